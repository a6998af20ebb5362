"""A network on one machine: links with a delay and a rate, to see what a program would take between real places.

Nothing is slowed down but the moment at which a frame may be read: the sender writes into the frame when it would have
arrived, and the receiver waits until then. Both must therefore shape their links, on the same machine.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from tacit.errors import FrameError, MisuseError
from tacit.transport._base import Accept, Transport, Witness

if TYPE_CHECKING:
    from tacit.transport.channel import Channel

_ARRIVAL = struct.Struct("<d")


@dataclass(frozen=True)
class Network:
    """What a link does to a frame: ``delay`` seconds one way, ``rate`` bytes a second for each link and direction."""

    name: str
    delay: float
    rate: float

    def seconds(self, rounds: int, nbytes: int) -> float:
        """How long so many dependent messages take that carry so many bytes one way."""
        return rounds * self.delay + nbytes / self.rate


NETWORKS = {
    "lan": Network("lan", 0.5e-3, 1e9 / 8),
    "wan": Network("wan", 20e-3, 100e6 / 8),
}
"""A network in one building, and one across a country."""


class ShapedTransport(Transport):
    """Passes everything on to ``inner``, and has frames from and to ``shaped`` arrive as over ``network``."""

    def __init__(self, inner: Transport, network: Network, shaped: Collection[str] | None = None) -> None:
        if not inner.loopback:
            raise MisuseError("a shaped transport needs all peers on this machine: their clocks must be one.")
        self._inner = inner
        self._network = network
        self._free = dict.fromkeys(inner.peers if shaped is None else shaped, 0.0)
        self.name, self.peers, self.statistics = inner.name, inner.peers, inner.statistics
        self.loopback = inner.loopback

    @property
    def witness(self) -> Witness | None:
        """The inner transport's."""
        return self._inner.witness

    @witness.setter
    def witness(self, witness: Witness | None) -> None:
        self._inner.witness = witness

    def send(self, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        if peer in self._free:
            nbytes = len(tag) + sum(part.nbytes for part in payload)
            self._free[peer] = max(time.monotonic(), self._free[peer]) + nbytes / self._network.rate
            tag = _ARRIVAL.pack(self._free[peer] + self._network.delay) + tag
        self._inner.send(peer, tag, payload)

    def receive(self, peer: str, accept: Accept) -> None:
        if peer not in self._free:
            return self._inner.receive(peer, accept)
        arrival = 0.0

        def unstamped(tag: bytes, length: int) -> memoryview:
            nonlocal arrival
            if len(tag) < _ARRIVAL.size:
                raise FrameError(f"'{peer}' does not shape its link as '{self.name}' does.", peer)
            (arrival,) = _ARRIVAL.unpack_from(tag)
            return accept(tag[_ARRIVAL.size :], length)

        self._inner.receive(peer, unstamped)
        time.sleep(max(0.0, arrival - time.monotonic()))
        return None

    def backlog(self, peer: str, at_most: int) -> None:
        self._inner.backlog(peer, at_most)

    def report_divergence(self, peer: str) -> NoReturn:
        self._inner.report_divergence(peer)

    def abort(self, culprit: str, reason: str) -> None:
        self._inner.abort(culprit, reason)

    def close(self) -> None:
        self._inner.close()


def shape(channel: Channel, network: Network) -> None:
    """Have the links between the parties of a session be those of ``network`` from now on; every party calls this.

    The dealer's link stays as it is: what it sends is made and sent ahead of time.
    """
    others = [name for name in channel.party.names if name != channel.party.name]
    channel.transport = ShapedTransport(channel.transport, network, others)
