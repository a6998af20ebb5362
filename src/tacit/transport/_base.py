"""The one interface of all transports: ordered, reliable, tagged frames between named nodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, Protocol

from tacit.errors import Refusal
from tacit.transport.statistics import Statistics

Accept = Callable[[bytes, int], memoryview]
"""Given a frame's tag and length, check both and return the writable buffer of exactly that length to fill."""


FAREWELL_LENGTH = 200


class Witness(Protocol):
    """Who can tell, from a thread of the transport, whether two parties run the same program: the transcript."""

    peers: frozenset[str]
    """Who runs the same program: the other parties, not the dealer."""

    def position(self) -> bytes:
        """How far this party is, for comparison with ``differs`` at a peer (at most 64 bytes)."""

    def differs(self, position: bytes) -> bool:
        """Whether a peer that is at ``position`` certainly ran something else than this party."""

    def history(self) -> bytes:
        """What this party ran lately (at most 1 MiB)."""

    def explain(self, peer: str, history: bytes) -> str:
        """Name the first difference between this party's history and that of ``peer``, in one sentence."""


class Transport(ABC):
    """What one node (a party or the dealer) uses to talk to its peers.

    A frame is a tag (at most 1 KiB, opaque here) and a payload. Frames from one peer arrive in the order sent. No
    method blocks for ever: when any peer is lost, frozen or misbehaves, every call in progress or to come raises a
    ``LinkError``, ``FrameError`` or ``PeerError`` that names the first culprit. After a peer has said goodbye, waiting
    for it or sending to it raises ``PeerFinishedError``, a ``DivergenceError``.
    """

    name: str
    peers: tuple[str, ...]
    statistics: Statistics
    loopback: bool
    """Whether all peers are on this machine."""
    witness: Witness | None = None
    farewell: str = ""
    """What the goodbye tells the peers (at most ``FAREWELL_LENGTH`` characters), if set before ``close``."""
    farewells: Mapping[str, str] = {}
    """What the goodbyes of the peers told, complete after ``close``."""

    @abstractmethod
    def send(self, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        """Send one frame whose payload is the parts in order. The parts must not be changed afterwards.

        Never waits for the peer to receive: two peers may send large frames to each other at the same time.
        """

    @abstractmethod
    def receive(self, peer: str, accept: Accept) -> None:
        """Wait for the next frame from ``peer`` and fill the buffer that ``accept(tag, length)`` returns.

        ``accept`` runs before any memory is taken for the payload; whatever it raises leaves this call, and the link
        can then be used for ``report_divergence`` and ``abort`` only.
        """

    @abstractmethod
    def backlog(self, peer: str, at_most: int) -> None:
        """Wait until at most ``at_most`` bytes for ``peer`` are queued here: bounds what a fast sender keeps."""

    @abstractmethod
    def report_divergence(self, peer: str) -> NoReturn:
        """Exchange histories with ``peer`` (at most 1 s), tell everybody, and raise a ``DivergenceError``."""

    @abstractmethod
    def abort(self, culprit: str, reason: str, refusal: Refusal | None = None) -> None:
        """Tell every peer that the session ends because of ``culprit``, whose policy said ``refusal``.

        ``reason`` is a ``tacit.transport.failure.Category``; any other text is replaced by "failed", so that no secret
        of the job can travel with it. The first failure of a session wins; later calls change nothing.
        """

    @abstractmethod
    def close(self) -> None:
        """Say goodbye, wait until every peer has said it too or failed, and release everything.

        Raises the failure of the session, if there was one, after everything is released.
        """

    # For whoever watches the node, from any thread; within one process there is nothing to tell.

    def waiting(self) -> tuple[str, float] | None:
        """The peer from which a ``receive`` waits for bytes now, and since when (``monotonic()``)."""
        return None

    def waited(self) -> dict[str, float]:
        """For how many seconds ``receive`` waited for each peer in all."""
        return {}

    def heard(self) -> dict[str, float]:
        """When each peer last gave a sign of life (``monotonic()``)."""
        return {}

    def has_departed(self, peer: str) -> bool:
        """Whether ``peer`` said goodbye."""
        return False
