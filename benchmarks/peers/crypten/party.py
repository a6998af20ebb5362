"""One party of CrypTen as a process: runs the work of a row and reports times and traffic."""

from __future__ import annotations

import logging
import os
import resource
import statistics
import time
from typing import Any

import torch

from benchmarks.peers import common
from benchmarks.peers.crypten import stubs

stubs.install()

import crypten  # noqa: E402
import crypten.communicator  # noqa: E402
from crypten.config import cfg  # noqa: E402

from benchmarks.peers.crypten.work import work  # noqa: E402

PARTIES = 2


def party(rank: int, port: int, row: str, repeat: int) -> dict[str, Any]:
    """What one process does; returns seconds, traffic and, against PyTorch, errors."""
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": str(PARTIES),
        "RENDEZVOUS": f"tcp://127.0.0.1:{port}",
        "DISTRIBUTED_BACKEND": "gloo",
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
    }
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    cfg.mpc.provider = "TFP"  # triples by the first party
    crypten.init()
    wire = crypten.communicator.get()
    torch.manual_seed(0)
    todo = work(row)
    last: list[Any] = []
    cpu: list[float] = []
    counted: dict[str, float] = {}

    def once() -> float:
        cfg.communicator.verbose = not counted  # it counts while it would talk about it
        wire.barrier()
        wire.reset_communication_stats()
        last.clear()
        start, busy = time.perf_counter(), time.process_time()
        last.append(todo.run())
        seconds = time.perf_counter() - start
        cpu.append(time.process_time() - busy)
        if not counted:
            counted.update(wire.get_communication_stats())
        return seconds

    def slowest(mine: float) -> float:
        both = wire.all_reduce(torch.tensor([mine if rank == i else 0.0 for i in range(PARTIES)]))
        return float(both.max())

    seconds = common.repeated(once, repeat, slowest)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    results = [x.double().numpy() for x in todo.result(last[0])]
    references = [x.double().numpy() for x in todo.reference(len(cpu))]
    facts = {"rounds": int(counted["rounds"]), "bytes": counted["bytes"], "peak_mb": peak}
    return {"seconds": seconds, "cpu": statistics.median(cpu), "errors": common.errors(results, references), **facts}
