"""A row whose randomness was dealt before: what the parties take with no dealer beside them, and what dealing takes."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import torch

import tacit
from benchmarks.job import SETTINGS, Outcome, job
from benchmarks.launch import launch
from benchmarks.rows import CLINIC, LAB, Row
from tacit.correlations.directory import deal, make_keys
from tacit.errors import PartyFailedError
from tacit.party import DEALER

_PARTIES = [LAB, CLINIC]


@dataclass(frozen=True)
class Ahead:
    """What the parties measured over each network. dealing: seconds and MB that the dealer took for a repetition.

    sealed: the same over TLS, if that was asked for.
    """

    outcomes: dict[str | None, list[Outcome]]
    sealed: dict[str | None, list[Outcome]]
    dealing: float
    mb: float


def run_ahead(
    row: Row, repeat: int, networks: tuple[str | None, ...], profile: str | None = None, tls: bool = False
) -> Ahead:
    """Plan the row by a dry run, deal, and run it once over each network (None: bare loopback) from that material.

    The run over bare loopback foresees the times over the others. tls: run it once more over each, with TLS.

    Raises PartyFailedError if the row fails, in the dry run or later.
    """
    with tempfile.TemporaryDirectory() as directory:
        keys, material = Path(directory, "keys"), Path(directory, "material")
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # the dry run takes all parties' memory
            seconds, mb, failure = apart.submit(
                _dealt, row.name, repeat, len(networks) * (1 + tls), keys, material
            ).result()
        if failure:
            raise PartyFailedError(f"no plan could be made. {failure}", LAB)
        settings = replace(SETTINGS, randomness="directory")
        outcomes: dict[str | None, list[Outcome]] = {}
        sealed: dict[str | None, list[Outcome]] = {}
        for network in networks:
            predicted = () if network else tuple(name for name in networks if name)
            arguments = (row.name, repeat, network, None if network else profile, predicted)
            outcomes[network] = list(launch(job, arguments, settings, material, keys).values())
            if tls:
                arguments = (row.name, repeat, network, None, ())
                sealed[network] = list(launch(job, arguments, settings, material, keys, tls=True).values())
    runs = outcomes[networks[0]][0].runs
    return Ahead(outcomes, sealed, seconds / runs, mb / runs)


def _dealt(name: str, repeat: int, count: int, keys: Path, material: Path) -> tuple[float, float, str]:
    """Deal for ``count`` runs; returns seconds and MB for one of them, and why it failed, if it did."""
    torch.set_num_threads(1)
    for party in (*_PARTIES, DEALER):
        make_keys(party, keys)
    try:
        plan = tacit.plan(job, _PARTIES, (name, repeat), SETTINGS)
    except PartyFailedError as error:
        return 0.0, 0.0, str(error).splitlines()[0]
    start = time.perf_counter()
    deal(plan, count, material, keys)
    return (time.perf_counter() - start) / count, plan.correction_bytes / 1e6, ""
