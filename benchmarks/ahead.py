"""A row whose randomness was dealt before: what the parties take with no dealer beside them, and what dealing takes."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tacit
from benchmarks.job import Outcome, job
from benchmarks.rows import CLINIC, LAB, Row
from tacit.correlations.directory import deal, make_keys
from tacit.party import DEALER

_PARTIES = [LAB, CLINIC]


@dataclass(frozen=True)
class Ahead:
    """What the parties measured over each network. dealing: seconds and MB that the dealer took for a repetition."""

    outcomes: dict[str | None, list[Outcome]]
    dealing: float
    mb: float


def run_ahead(row: Row, repeat: int, networks: tuple[str | None, ...], profile: str | None = None) -> Ahead:
    """Plan the row by a dry run, deal, and run it once over each network (None: bare loopback) from that material."""
    with tempfile.TemporaryDirectory() as directory:
        keys, material = Path(directory, "keys"), Path(directory, "material")
        for name in (*_PARTIES, DEALER):
            make_keys(name, keys)
        plan = tacit.plan(job, _PARTIES, (row.name, repeat))
        start = time.perf_counter()
        deal(plan, len(networks), material, keys)
        seconds = (time.perf_counter() - start) / len(networks)
        outcomes = {}
        for network in networks:
            arguments = (row.name, repeat, network, None if network else profile)
            found = tacit.run(job, _PARTIES, arguments, backend="processes", material=material, keys=keys)
            outcomes[network] = list(found.values())
    runs = outcomes[networks[0]][0].runs
    return Ahead(outcomes, seconds / runs, plan.correction_bytes / 1e6 / runs)
