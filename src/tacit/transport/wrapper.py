"""A transport around another one: passes everything on, and is there to be derived from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from tacit.errors import Refusal
from tacit.transport._base import Accept, Transport, Witness


class TransportWrapper(Transport):
    """Does what ``inner`` does."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.name, self.peers, self.statistics = inner.name, inner.peers, inner.statistics
        self.loopback = inner.loopback
        self.farewells = inner.farewells

    @property
    def witness(self) -> Witness | None:
        """The inner transport's."""
        return self._inner.witness

    @witness.setter
    def witness(self, witness: Witness | None) -> None:
        self._inner.witness = witness

    @property
    def farewell(self) -> str:
        """The inner transport's."""
        return self._inner.farewell

    @farewell.setter
    def farewell(self, farewell: str) -> None:
        self._inner.farewell = farewell

    def send(self, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        self._inner.send(peer, tag, payload)

    def receive(self, peer: str, accept: Accept) -> None:
        self._inner.receive(peer, accept)

    def backlog(self, peer: str, at_most: int) -> None:
        self._inner.backlog(peer, at_most)

    def report_divergence(self, peer: str) -> NoReturn:
        self._inner.report_divergence(peer)

    def abort(self, culprit: str, reason: str, refusal: Refusal | None = None) -> None:
        self._inner.abort(culprit, reason, refusal)

    def close(self) -> None:
        self._inner.close()

    def waiting(self) -> tuple[str, float] | None:
        return self._inner.waiting()

    def waited(self) -> dict[str, float]:
        return self._inner.waited()

    def heard(self) -> dict[str, float]:
        return self._inner.heard()

    def has_departed(self, peer: str) -> bool:
        return self._inner.has_departed(peer)
