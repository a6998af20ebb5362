"""What the peers' scripts have in common; runs in their environments, so it imports nothing but numpy."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import statistics
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy

ENOUGH_SECONDS = 40.0
"""No further repetition begins after so much measured time: some rows take a peer most of a minute."""

TIMEOUT = 1200.0
"""Seconds for all repetitions of a row."""

SLOW_SECONDS = 15.0
"""A first run that takes longer counts as a repetition: what it warms up no longer matters."""


def options(name: str) -> argparse.Namespace:
    """One row and how often."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.peers.{name}")
    parser.add_argument("row")
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


def repeated(run: Callable[[], float], repeat: int, agree: Callable[[float], float]) -> list[float]:
    """Seconds of each counted repetition; ``agree`` gives all parties the same number, so that all stop together."""
    first = agree(run())
    seconds = [first] if first > SLOW_SECONDS else []
    while len(seconds) < repeat and sum(seconds) < ENOUGH_SECONDS:
        seconds.append(agree(run()))
    return seconds


def record(seconds: list[float], cpu: float, peak_mb: float, **facts: Any) -> dict[str, Any]:
    """The record of one row; cpu: processor seconds of the busier party."""
    spread = max(seconds) - min(seconds)
    online = {"seconds": statistics.median(seconds), "spread": spread, "cpu": cpu, "all_seconds": seconds}
    return {"online": {**online, "peak_mb": peak_mb}, **facts}


def errors(results: list[numpy.ndarray], references: list[numpy.ndarray]) -> dict[str, float]:
    """The largest difference and the largest value."""
    pairs = [
        (numpy.asarray(r, numpy.float64), numpy.asarray(p, numpy.float64))
        for r, p in zip(results, references, strict=True)
    ]
    return {
        "max_error": max(float(numpy.abs(result - plain).max()) for result, plain in pairs),
        "max_value": max(float(numpy.abs(plain).max()) for _, plain in pairs),
    }


def report(found: dict[str, Any]) -> None:
    """The last line of the output is the record."""
    print("\n" + json.dumps(found), flush=True)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def in_processes(party: Callable[..., dict[str, Any]], arguments: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """What ``party`` returns in a process for each tuple of arguments. Raises RuntimeError with a party's own error."""
    context = multiprocessing.get_context("spawn")
    ends = [context.Pipe() for _ in arguments]
    processes = [
        context.Process(target=_reporting, args=(theirs, party, each), daemon=True)
        for (_, theirs), each in zip(ends, arguments, strict=True)
    ]
    for process in processes:
        process.start()
    found = []
    for (mine, theirs), process in zip(ends, processes, strict=True):
        theirs.close()
        if not mine.poll(TIMEOUT):
            raise TimeoutError(f"no result within {TIMEOUT:g} s")
        found.append(mine.recv())
        if "error" in found[-1]:
            raise RuntimeError(found[-1]["error"])
        process.join(10)
    return found


def _reporting(end: Connection, party: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> None:
    try:
        end.send(party(*arguments))
    except BaseException as error:
        end.send({"error": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}"})
