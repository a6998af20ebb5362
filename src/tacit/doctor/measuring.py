"""Latency, rates and clocks between two hosts, over the connection as a session would have it, sealed and all.

The one who called measures everything; the other one answers. Chunks double until one takes long enough to be timed.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns, time_ns

from tacit.doctor.line import Line
from tacit.doctor.messages import (
    FILL_BYTES,
    MAX_FILLS,
    Kind,
    Result,
    pack,
    pack_ask,
    pack_pong,
    unpack_ask,
    unpack_pong,
)

_PINGS = 12
_ENOUGH = 200_000_000  # nanoseconds
_FILLS = memoryview(pack(Kind.FILL, bytes(FILL_BYTES)) * 16)
_FILL = len(_FILLS) // 16


def measure(line: Line, deadline: float) -> Result:
    """Measure the link. Raises LineLost, also when that is not done by ``deadline``."""
    latency, clock = min(_ping(line, deadline) for _ in range(_PINGS))
    forth = _rate(lambda count: _send(line, count, deadline), latency)
    back = _rate(lambda count: _fetch(line, count, deadline), latency)
    return Result(latency, forth, back, clock)


def answer(line: Line, kind: Kind, payload: bytes, deadline: float) -> None:
    """Do what a PING or an ASK wants, by ``deadline``. Raises LineLost and FrameError."""
    if kind is Kind.ASK:
        _fill(line, unpack_ask(payload, line.peer), deadline)
    line.send(pack_pong(time_ns()), deadline)


def _ping(line: Line, deadline: float) -> tuple[int, int]:
    """Nanoseconds there and back; by how many the clock there is ahead, right to half of the former."""
    here, begin = time_ns(), perf_counter_ns()
    line.send(pack(Kind.PING), deadline)
    _, payload = line.expect((Kind.PONG,), deadline)
    took = perf_counter_ns() - begin
    return took, unpack_pong(payload) - (here + took // 2)


def _rate(transfer: Callable[[int], None], latency: int) -> int:
    """Bytes a second of the first chunk that takes long enough, or of the largest one."""
    count = 1
    while True:
        begin = perf_counter_ns()
        transfer(count)
        took = perf_counter_ns() - begin
        if took - latency >= _ENOUGH or count >= MAX_FILLS:
            return count * FILL_BYTES * 1_000_000_000 // max(took - latency, 1)
        count *= 2


def _send(line: Line, count: int, deadline: float) -> None:
    _fill(line, count, deadline)
    line.send(pack(Kind.PING), deadline)
    line.expect((Kind.PONG,), deadline)


def _fetch(line: Line, count: int, deadline: float) -> None:
    line.send(pack_ask(count), deadline)
    for _ in range(count):
        line.expect((Kind.FILL,), deadline)
    line.expect((Kind.PONG,), deadline)


def _fill(line: Line, count: int, deadline: float) -> None:
    while count:
        now = min(count, 16)
        line.send(_FILLS[: now * _FILL], deadline)
        count -= now
