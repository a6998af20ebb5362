"""``python -m benchmarks.peers``: the same work with Tacit and its peers, turn by turn, and the ratios."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from benchmarks import limits, processes, results
from benchmarks.inputs import INPUTS
from benchmarks.measure import Record
from benchmarks.peers import table
from benchmarks.peers.install import PEERS, Peer, install
from benchmarks.peers.turns import OURS, compare
from benchmarks.rows import JOINT, chosen, rows

_NODES = 3


def main() -> int:
    """Exit status 1 if one of our rows failed; a peer that fails or is not there is only reported."""
    options = _options()
    known = {name: row for name, row in rows().items() if row.sharing == JOINT and row.base in INPUTS}
    try:
        names = chosen(options.rows, list(known))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    peers, missing = _installed(options.only.split(","))
    processes.use_cores(_NODES)
    torch.set_num_threads(1)
    here = limits.measured()
    records: list[Record] = []
    for name in names:
        records.append(compare(known[name], peers, options.turns, options.repeat, here))
        if options.json:
            facts = {"machine": results.machine(), "limits": here.as_dict(), "missing": missing}
            results.save(options.json, records, **facts)
    table.show(records, peers, missing)
    return int(any(record["systems"][OURS]["status"] == "failed" for record in records))


def _installed(names: list[str]) -> tuple[list[Peer], dict[str, str]]:
    """The peers that are there, and why the others are not."""
    peers, missing = [], {}
    for name in names:
        reason = install(PEERS[name])
        if reason is None:
            peers.append(PEERS[name])
        else:
            missing[name] = reason
            print(f"{name} could not be installed: {reason}.", file=sys.stderr)
    return peers, missing


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rows", help="names of rows separated by commas; 'matmul*' means all that begin so")
    parser.add_argument("--turns", type=int, default=2, help="how often each system has its turn (default 2)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions in each turn (default 3)")
    parser.add_argument("--only", default=",".join(PEERS), help=f"which peers (default {','.join(PEERS)})")
    parser.add_argument("--json", type=Path, help="put the results into this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
