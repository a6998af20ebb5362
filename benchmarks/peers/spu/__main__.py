"""``python -m benchmarks.peers.spu ROW``: one row with SPU; the last line of the output is the record as JSON."""

from __future__ import annotations

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import numpy
from spu import api, libspu
from spu.utils import frontend

from benchmarks.peers import common
from benchmarks.peers.spu.party import PARTIES, Task, config, party
from benchmarks.peers.spu.work import work


def main() -> None:
    """Compile the row, share its arguments, have two processes run it, put the shares of the result together."""
    options = common.options("spu")
    function, arguments = work(options.row)
    flat, _ = jax.tree_util.tree_flatten((tuple(arguments), {}))
    names = [f"in{i}" for i in range(len(flat))]
    secret = libspu.Visibility.VIS_SECRET
    executable, _ = frontend.compile(
        frontend.Kind.JAX, function, arguments, {}, names, [secret] * len(flat), _output_names
    )
    io = api.Io(PARTIES, config())
    shares = [io.make_shares(numpy.asarray(x), secret) for x in flat]
    tasks = [
        Task(names, list(executable.output_names), executable.code, [each[rank] for each in shares], options.repeat)
        for rank in range(PARTIES)
    ]
    ports = common.free_ports(PARTIES)
    found = common.in_processes(party, [(rank, ports, task) for rank, task in enumerate(tasks)])
    results = [io.reconstruct([each["results"][i] for each in found]) for i in range(len(executable.output_names))]
    references = jax.tree_util.tree_leaves(jax.jit(function)(*arguments))
    seconds = [max(pair) for pair in zip(*(each["seconds"] for each in found), strict=True)]
    traffic = {
        "cpu": max(each["cpu"] for each in found),
        "rounds": max(each["rounds"] for each in found),
        "mb_online": sum(each["bytes_sent"] for each in found) / 1e6,
        "peak_mb": max(each["peak_mb"] for each in found),
    }
    common.report(common.record(seconds, **traffic, **common.errors(results, references)))


def _output_names(outputs: list[object]) -> list[str]:
    return [f"out{i}" for i, _ in enumerate(outputs)]


if __name__ == "__main__":
    main()
