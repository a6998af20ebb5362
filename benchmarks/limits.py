"""What this machine can do at most: ring products on one core, and sockets between two processes on loopback."""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

from tacit.ring import kernels

_GEMM = 512
_CHUNK_BYTES = 8 << 20
_CHUNKS = 8
_TRIES = 3
_PINGS = 300


@dataclass(frozen=True)
class Limits:
    """gemm: ring multiplications and additions a second, one core. rate: bytes a second each way, both at once.

    latency: seconds that 64 bytes take one way. kernels: which ring kernels were measured.
    """

    gemm: float
    rate: float
    latency: float
    kernels: str

    def seconds(self, macs: float, nbytes: int, rounds: int) -> float:
        """The least that so much work can take one after the other: products, bytes sent by a party, rounds."""
        return macs / self.gemm + nbytes / self.rate + rounds * self.latency

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def measured() -> Limits:
    """Measure them now, in about two seconds."""
    rate, latency = _loopback()
    return Limits(_gemm(), rate, latency, kernels.active())


def _gemm() -> float:
    torch.set_num_threads(1)
    a = torch.randint(-(1 << 62), 1 << 62, (_GEMM, _GEMM))
    return _GEMM**3 / _best(lambda: kernels.matmul(a, a))


def _best(function: Callable[[], object], times: int = 7) -> float:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _loopback() -> tuple[float, float]:
    """Rate each way and one-way latency of plain blocking sockets, one connection for each way."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = multiprocessing.get_context("fork")
        peer = context.Process(target=_peer, args=(listener.getsockname(),), daemon=True)
        peer.start()
        forth, back = (_tuned(listener.accept()[0]) for _ in range(2))
        with forth, back:
            rate = _CHUNKS * _CHUNK_BYTES / min(_both_ways(forth, back) for _ in range(_TRIES))
            trips = []
            for _ in range(_PINGS):
                start = time.perf_counter()
                forth.sendall(bytes(64))
                _read(back, memoryview(bytearray(64)))
                trips.append(time.perf_counter() - start)
        peer.join()
    return rate, statistics.quantiles(trips, n=10)[0] / 2


def _peer(address: tuple[str, int]) -> None:
    back, forth = (_tuned(socket.create_connection(address)) for _ in range(2))
    with forth, back:
        for _ in range(_TRIES):
            _both_ways(forth, back)
        buffer = memoryview(bytearray(64))
        for _ in range(_PINGS):
            _read(back, buffer)
            forth.sendall(buffer)


def _both_ways(forth: socket.socket, back: socket.socket) -> float:
    data, buffer = bytes(_CHUNK_BYTES), memoryview(bytearray(_CHUNK_BYTES))
    sender = threading.Thread(target=_send, args=(forth, data, _CHUNKS))
    start = time.perf_counter()
    sender.start()
    for _ in range(_CHUNKS):
        _read(back, buffer)
    sender.join()
    return time.perf_counter() - start


def _send(sock: socket.socket, data: bytes, times: int) -> None:
    for _ in range(times):
        sock.sendall(data)


def _read(sock: socket.socket, buffer: memoryview) -> None:
    done = 0
    while done < len(buffer):
        count = sock.recv_into(buffer[done:])
        if not count:
            raise ConnectionError("the other process of the measurement is gone")
        done += count


def _tuned(sock: socket.socket) -> socket.socket:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
