"""What a program would take over networks that are not there, found while it runs on one machine.

Each party keeps a clock for each network. It runs with the processor time that the party's program takes, which waiting
and other programs on the machine do not stretch; every frame carries when it would arrive, and whoever takes it sets
its own clock to that moment, if it is not there yet. So the clock follows the longest chain of work and messages
through all parties, with all that overlaps.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from tacit.errors import MisuseError
from tacit.transport._base import Accept, Transport
from tacit.transport.shaped import Network
from tacit.transport.timestamps import Timestamps
from tacit.transport.wrapper import TransportWrapper

if TYPE_CHECKING:
    from tacit.transport.channel import Channel


class PredictingTransport(TransportWrapper):
    """Passes everything on to ``inner``, and keeps the time over ``networks`` of frames from and to ``peers``.

    To be used by one thread, whose processor time counts.
    """

    def __init__(self, inner: Transport, networks: Sequence[Network], peers: Collection[str] | None = None) -> None:
        super().__init__(inner)
        if not networks:
            raise MisuseError("at least one network is needed to predict what a program takes over it.")
        self._networks = tuple(networks)
        self._timestamps = Timestamps(len(networks))
        self._free = {peer: [0.0] * len(networks) for peer in (inner.peers if peers is None else peers)}
        self._now = [0.0] * len(networks)
        self._mark = time.thread_time()

    def seconds(self) -> dict[str, float]:
        """The clocks by the networks' names."""
        self._work()
        return {network.name: now for network, now in zip(self._networks, self._now, strict=True)}

    def send(self, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        if peer not in self._free:
            return self._inner.send(peer, tag, payload)
        self._work()
        nbytes = len(tag) + sum(part.nbytes for part in payload)
        free = self._free[peer]
        for i, network in enumerate(self._networks):
            free[i] = max(self._now[i], free[i]) + nbytes / network.rate
        arrivals = [at + network.delay for at, network in zip(free, self._networks, strict=True)]
        return self._timestamps.send(self._inner, peer, arrivals, tag, payload)

    def receive(self, peer: str, accept: Accept) -> None:
        if peer not in self._free:
            return self._inner.receive(peer, accept)
        self._work()
        arrivals = self._timestamps.receive(self._inner, peer, accept)
        self._now = [max(pair) for pair in zip(self._now, arrivals, strict=True)]
        return None

    def _work(self) -> None:
        """Let the processor time since the last look pass on every clock; that of receiving comes after the arrival."""
        now = time.thread_time()
        passed, self._mark = now - self._mark, now
        self._now = [at + passed for at in self._now]


def predict(channel: Channel, networks: Sequence[Network]) -> PredictingTransport:
    """Keep time between the parties of a session from now on; every party calls this. The dealer's link has none."""
    others = [name for name in channel.party.names if name != channel.party.name]
    channel.transport = predicted = PredictingTransport(channel.transport, networks, others)
    return predicted
