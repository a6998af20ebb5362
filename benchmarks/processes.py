"""What the kernel knows about the processes of a run: peak memory, CPU time, who is busy, on which cores."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_QUIET_LOOKS, _LOOK_SECONDS = 6, 0.01


def use_cores(count: int) -> int:
    """Keep this process, and all that it starts, to ``count`` cores at most; returns how many it has.

    ``tacit.run`` gives each node its part of the cores as threads, so as many cores as nodes means one thread each.
    """
    cores = sorted(os.sched_getaffinity(0))[:count]
    os.sched_setaffinity(0, cores)
    return len(cores)


def peak_mb(pid: int | str = "self") -> float:
    """The most memory that a process had so far, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def cpu_seconds(pid: int | str = "self") -> float:
    """CPU time that a process took so far."""
    fields = _stat(Path(f"/proc/{pid}/stat"))
    return (int(fields[11]) + int(fields[12])) / _TICKS


def sibling(name: str) -> int | None:
    """The process id of the node ``name`` of the same run, seen from one of its parties."""
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            if int(_stat(directory / "stat")[1]) != os.getppid():
                continue
            arguments = (directory / "cmdline").read_bytes().split(b"\0")
            if len(arguments) > 2 and arguments[2].endswith(f": {name}".encode()):
                return int(directory.name)
    return None


def wait_until_idle(pid: int, at_most: float = 60.0) -> float:
    """Wait until no thread of a process runs or wants to; returns the seconds waited."""
    start, quiet = time.perf_counter(), 0
    while quiet < _QUIET_LOOKS and time.perf_counter() - start < at_most:
        states = [_stat(path)[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        quiet = 0 if "R" in states or "D" in states else quiet + 1
        time.sleep(_LOOK_SECONDS)
    return time.perf_counter() - start


def loopback_bytes() -> int:
    """Bytes that went over the loopback so far, headers and everybody's included."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == "lo":
            return int(counters.split()[0])
    return 0


def _stat(path: Path) -> list[str]:
    """The fields of a stat file after the command, whose name may hold blanks: state, parent, ..."""
    return path.read_text().rpartition(")")[2].split()
