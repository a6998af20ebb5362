"""``python -m benchmarks.gpu``: checks everything on a CUDA device against the CPU, bit for bit, and times it there.

Where there is no CUDA device it says so and measures nothing. ``--device cpu`` rehearses: the same kernels on CPU
tensors, at small sizes, which shows that this program works and nothing about speed.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks import gpu_checks, gpu_times, results

Step = tuple[str, Callable[[], Any]]


def main() -> int:
    """Returns 1 if anything differs from the CPU, or fails."""
    options = _options()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("no CUDA device here: nothing was measured (--device cpu rehearses)")
        return 0
    device = torch.device(options.device)
    if device.type == "cuda":
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)
    torch.set_num_threads(1)
    small = device.type == "cpu"
    checks = _run(gpu_checks.kernels(device, small), "check")
    if not options.kernels_only:
        checks += _run(gpu_checks.sessions(options.device), "check")
    times = _run(gpu_times.kernels(device, small), "time")
    if not options.kernels_only:
        times += _run(gpu_times.sessions(options.device, small, options.repeat), "time")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "a rehearsal on the CPU"
    _show(name, checks, times)
    if options.json is not None:
        results.save(options.json, checks + times, device=name, machine=results.machine())
    return int(any(record["status"] != "ok" for record in checks + times))


def _run(steps: Iterable[Step], kind: str) -> list[dict[str, Any]]:
    """One record a step; a step that fails does not end the others."""
    records = []
    for name, step in steps:
        record: dict[str, Any] = {"row": f"{kind} {name}", "name": name, "status": "ok", "value": ""}
        try:
            record["value"] = step() or ""
        except Exception as error:
            record |= {"status": "FAILED", "value": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
            record["traceback"] = traceback.format_exc()
            print(f"{name} failed:\n{record['traceback']}", file=sys.stderr)
        print(f"{record['row']}: {record['status']} {record['value']}", file=sys.stderr, flush=True)
        records.append(record)
    return records


def _show(device: str, checks: list[dict[str, Any]], times: list[dict[str, Any]]) -> None:
    table = Table(title=f"Tacit on {device}")
    for heading in ("", "status", "value"):
        table.add_column(heading)
    for record in checks + times:
        table.add_row(record["row"], record["status"], str(record["value"]))
    Console().print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, or cpu for a rehearsal")
    parser.add_argument("--kernels-only", action="store_true", help="no sessions")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of each session")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="where to put the results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
