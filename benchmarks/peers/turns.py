"""One row with every system, turn by turn: whatever else the machine does meets them all."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from benchmarks.limits import Limits
from benchmarks.measure import Record, Wishes, measure
from benchmarks.peers.install import ROOT, Peer
from benchmarks.rows import Row

OURS = "tacit"
_TIMEOUT = 1500.0
_LONG_SECONDS = 40.0
"""One turn is enough for a system that takes so long for a repetition."""


def compare(row: Row, peers: list[Peer], turns: int, repeat: int, limits: Limits) -> Record:
    """The record of one row: under ``systems``, what each took; ratios of their time to ours.

    A turn is ``repeat`` repetitions with each system one after the other, in new processes.
    """
    found: dict[str, list[Record]] = {name: [] for name in (OURS, *(peer.name for peer in peers))}
    for turn in range(turns):
        for name in found:
            if any("reason" in earlier or _long(earlier) for earlier in found[name]):
                continue  # it would fail again, or take as long
            print(f"{row.name}: turn {turn + 1} of {turns}, {name} ...", file=sys.stderr, flush=True)
            peer = next((peer for peer in peers if peer.name == name), None)
            found[name].append(
                measure(row, Wishes(repeat), limits) if peer is None else _theirs(peer, row.base, repeat)
            )
    systems = {name: _merged(records) for name, records in found.items()}
    return {"row": row.name, "title": row.title, "systems": systems, "ratios": _ratios(systems)}


def _long(record: Record) -> bool:
    return bool(record["online"]["seconds"] > _LONG_SECONDS)


def _theirs(peer: Peer, row: str, repeat: int) -> Record:
    command = [str(peer.python), "-m", f"benchmarks.peers.{peer.name}", row, "--repeat", str(repeat)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return {"status": "failed", "reason": f"no result within {_TIMEOUT:g} s"}
    if done.returncode:
        return {"status": "failed", "reason": (done.stderr.strip() or "no message").splitlines()[-1]}
    found: Record = json.loads(done.stdout.strip().splitlines()[-1])
    return {"status": "measured", **found}


def _merged(records: list[Record]) -> Record:
    """All turns of one system as one record: the median of all repetitions, the counts of the last turn."""
    if any(record["status"] != "measured" for record in records):
        return next(record for record in records if record["status"] != "measured")
    merged = dict(records[-1])
    for kind in ("online", "live"):
        if kind in merged:
            every = [seconds for record in records for seconds in record[kind]["all_seconds"]]
            cpu = statistics.median(record[kind]["cpu"] for record in records)
            times = {"seconds": statistics.median(every), "spread": max(every) - min(every), "all_seconds": every}
            merged[kind] = {**merged[kind], **times, "cpu": cpu}
    return merged


def _ratios(systems: dict[str, Record]) -> dict[str, dict[str, float]]:
    """Their time by ours: seconds online, seconds with our dealer beside, processor time online."""
    ours = systems[OURS]
    if ours["status"] != "measured":
        return {}
    return {
        name: {
            "online": theirs["online"]["seconds"] / ours["online"]["seconds"],
            "live": theirs["online"]["seconds"] / ours["live"]["seconds"],
            "cpu": theirs["online"]["cpu"] / ours["online"]["cpu"],
        }
        for name, theirs in systems.items()
        if name != OURS and theirs["status"] == "measured"
    }
