"""``python -m benchmarks``: measure Tacit's rows and print one table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from benchmarks import language, limits, processes, report, results
from benchmarks.measure import Record, Wishes, measure
from benchmarks.rows import chosen, rows
from tacit.transport.shaped import NETWORKS

_NODES = 3


def main() -> int:
    """Exit status 1 if a row failed; a row without a rule yet is no failure."""
    options = _options()
    cores = processes.use_cores(_NODES)
    torch.set_num_threads(1)
    table = rows()
    try:
        names = chosen(options.rows, list(table))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if options.list:
        print(*(f"{name:16} {table[name].title}" for name in names), sep="\n")
        return 0
    here = limits.measured()
    wishes = Wishes(options.repeat, tuple(options.network), options.profile, options.tls)
    records: list[Record] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        records.append(measure(table[name], wishes, here))
        if options.json:
            results.save(options.json, records, machine=results.machine(), limits=here.as_dict())
        if options.profile and records[-1]["status"] == "measured":
            print(records[-1]["primitives"], file=sys.stderr)
    report.show(records, here.as_dict())
    if cores < _NODES:
        print(f"{_NODES} processes shared {cores} cores: the dealer took time from the parties.")
    if not language.INSTALLED:
        print("No rows for BERT-base and GPT-2: the package transformers is not installed.")
    return int(any(record["status"] == "failed" for record in records))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", help="names of rows separated by commas; 'matmul*' means all that begin so")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions that count (default 5)")
    parser.add_argument("--json", type=Path, help="put the results into this file")
    links = f"forecast for these links, and measure over them: {' or '.join(NETWORKS)}, or several with commas"
    parser.add_argument("--network", type=_networks, default=[], help=links)
    parser.add_argument("--profile", help="write a cProfile of one party's last repetition to this file")
    parser.add_argument("--tls", action="store_true", help="measure everything once more over TLS")
    parser.add_argument("--list", action="store_true", help="only list the rows")
    return parser.parse_args()


def _networks(names: str) -> list[str]:
    found = [name.strip() for name in names.split(",")]
    for name in found:
        if name not in NETWORKS:
            raise argparse.ArgumentTypeError(f"no network is called {name!r}; there are {', '.join(NETWORKS)}")
    return found


if __name__ == "__main__":
    sys.exit(main())
