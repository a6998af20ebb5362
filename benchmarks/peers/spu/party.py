"""One party of SPU as a process: runs a compiled program between barriers and reports times and traffic."""

from __future__ import annotations

import os
import re
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass
from typing import Any

from spu import api, libspu

from benchmarks.peers import common

PARTIES = 2
_FRACTION_BITS = 18
_LINE = re.compile(r"Link details: total send bytes (\d+), recv bytes (\d+), send actions (\d+), recv actions (\d+)")


@dataclass(frozen=True)
class Task:
    """What one party runs: names of inputs and outputs, the program, its shares, how often."""

    inputs: list[str]
    outputs: list[str]
    code: bytes
    shares: list[Any]
    repeat: int


def config(counting: bool = False) -> Any:
    """SEMI2K over the ring of 64 bits, one thread. counting: have it print its traffic after each run."""
    out = libspu.RuntimeConfig(
        protocol=libspu.ProtocolKind.SEMI2K, field=libspu.FieldType.FM64, fxp_fraction_bits=_FRACTION_BITS
    )
    out.max_concurrency = 1
    out.enable_pphlo_profile = out.enable_hal_profile = counting
    return out


def party(rank: int, ports: list[int], task: Task) -> dict[str, Any]:
    """What one process does; returns seconds, shares of the results and traffic."""
    os.environ["OMP_NUM_THREADS"] = "1"
    log = tempfile.TemporaryFile("w+b")  # noqa: SIM115
    for descriptor in (1, 2):  # the counters come out of the C++ side
        os.dup2(log.fileno(), descriptor)
    link = _connected(rank, ports)
    executable = libspu.Executable(**_program(task))

    cpu: list[float] = []

    def once(runtime: Any, wire: Any) -> float:
        for name, share in zip(task.inputs, task.shares, strict=True):
            runtime.set_var(name, share)
        wire.barrier()
        start, busy = time.perf_counter(), time.process_time()
        runtime.run(executable)
        seconds = time.perf_counter() - start
        cpu.append(time.process_time() - busy)
        wire.barrier()
        return seconds

    quiet = api.Runtime(link, config())
    seconds = common.repeated(lambda: once(quiet, link), task.repeat, lambda mine: _slowest(link, mine))
    results = [quiet.get_var(name) for name in task.outputs]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    counted = link.spawn()
    once(api.Runtime(counted, config(counting=True)), counted)
    time.sleep(0.2)
    log.seek(0)
    counts = _LINE.findall(log.read().decode(errors="replace"))[-1]
    link.stop_link()
    facts = {"bytes_sent": int(counts[0]), "rounds": int(counts[2]), "peak_mb": peak}
    return {"seconds": seconds, "cpu": statistics.median(cpu), "results": results, **facts}


def _slowest(link: Any, mine: float) -> float:
    """The time of the slower party, known to both."""
    said = link.all_gather(f"{mine:.9f}")
    return max(float(each) for each in said)


def _connected(rank: int, ports: list[int]) -> Any:
    about = libspu.link.Desc()
    for i, port in enumerate(ports):
        about.add_party(f"party{i}", f"127.0.0.1:{port}")
    about.recv_timeout_ms = 400_000
    about.http_timeout_ms = 120_000
    about.http_max_payload_size = 32 << 20
    return libspu.link.create_brpc(about, rank)


def _program(task: Task) -> dict[str, Any]:
    return {"name": "row", "input_names": task.inputs, "output_names": task.outputs, "code": task.code}
