"""What a transport whose links may break asks of who dials again, and offers to it."""

from __future__ import annotations

from typing import Protocol

from tacit.transport.failure import Failure
from tacit.transport.framing import Kind
from tacit.transport.lane import Lane, Role
from tacit.transport.signs import Signs
from tacit.transport.wire import Wire


class Links(Protocol):
    """A transport, as seen by who mends its links. All may be called from any thread."""

    name: str
    peers: tuple[str, ...]

    @property
    def signs(self) -> Signs:
        """What is heard of the peers."""

    @property
    def failed(self) -> bool:
        """Whether the session has ended because of a failure."""

    def lane(self, peer: str, role: Role) -> Lane:
        """One stream with a peer."""

    def attach(self, peer: str, role: Role, wire: Wire, delivered: int) -> None:
        """A stream goes on over another connection. Raises FrameError for a position that cannot be."""

    def tell(self, peer: str, kind: Kind, payload: bytes) -> None:
        """Post a frame on the control connection."""

    def settled(self, peer: str) -> bool:
        """Whether each has the other's goodbye, and knows it: their connections may end."""

    def complete(self, peer: str) -> bool:
        """Whether everything from ``peer`` is here, its goodbye included."""

    def settle(self, peer: str) -> None:
        """``peer`` is complete and out of reach: it counts as settled."""

    def fail(self, failure: Failure) -> None:
        """End the session, unless something else did before."""


class Mender(Protocol):
    """Who makes another connection in the place of one that broke."""

    def begin(self, links: Links) -> None:
        """Begin to look after the links of a session."""

    def look(self) -> None:
        """A connection broke: do something now."""

    def broken(self, peer: str, payload: bytes) -> None:
        """A peer says that a connection broke of which this node need not know. Raises FrameError."""

    def stop(self) -> None:
        """Stop, and let nobody in any more."""
