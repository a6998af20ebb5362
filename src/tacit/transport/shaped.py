"""A network on one machine: links with a delay and a rate, to see what a program would take between real places.

Nothing is slowed down but the moment at which a frame may be read: the sender writes into the frame when it would have
arrived, and the receiver waits until then. Both must therefore shape their links, on the same machine.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tacit.errors import MisuseError
from tacit.transport._base import Accept, Transport
from tacit.transport.timestamps import Timestamps
from tacit.transport.wrapper import TransportWrapper

if TYPE_CHECKING:
    from tacit.transport.channel import Channel


@dataclass(frozen=True)
class Network:
    """What a link does to a frame: ``delay`` seconds one way, ``rate`` bytes a second for each link and direction."""

    name: str
    delay: float
    rate: float


NETWORKS = {
    "lan": Network("lan", 0.5e-3, 1e9 / 8),
    "wan": Network("wan", 20e-3, 100e6 / 8),
}
"""A network in one building, and one across a country."""


class ShapedTransport(TransportWrapper):
    """Passes everything on to ``inner``, and has frames from and to ``shaped`` arrive as over ``network``."""

    def __init__(self, inner: Transport, network: Network, shaped: Collection[str] | None = None) -> None:
        if not inner.loopback:
            raise MisuseError("a shaped transport needs all peers on this machine: their clocks must be one.")
        super().__init__(inner)
        self._network = network
        self._timestamps = Timestamps(1)
        self._free = dict.fromkeys(inner.peers if shaped is None else shaped, 0.0)

    def send(self, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        if peer not in self._free:
            return self._inner.send(peer, tag, payload)
        nbytes = len(tag) + sum(part.nbytes for part in payload)
        self._free[peer] = max(time.monotonic(), self._free[peer]) + nbytes / self._network.rate
        return self._timestamps.send(self._inner, peer, (self._free[peer] + self._network.delay,), tag, payload)

    def receive(self, peer: str, accept: Accept) -> None:
        if peer not in self._free:
            return self._inner.receive(peer, accept)
        (arrival,) = self._timestamps.receive(self._inner, peer, accept)
        time.sleep(max(0.0, arrival - time.monotonic()))
        return None


def shape(channel: Channel, network: Network) -> None:
    """Have the links between the parties of a session be those of ``network`` from now on; every party calls this.

    The dealer's link stays as it is: what it sends is made and sent ahead of time.
    """
    others = [name for name in channel.party.names if name != channel.party.name]
    channel.transport = ShapedTransport(channel.transport, network, others)
