"""A stream of bytes to or from a peer that outlives the connections which carry it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from enum import StrEnum

from tacit.errors import FrameError
from tacit.transport.wire import Wire


class Role(StrEnum):
    """Which of the three connections with a peer: data from here, data to here, or control."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"
    CONTROL = "control"


class Lane(ABC):
    """One of the three streams with a peer, and the connection that carries it now, if there is one.

    A position is a number of bytes of the stream, whatever connections carried them. received: the position up to which
    the peer's stream has arrived here; it stays as it is while there is no connection.
    """

    received = 0

    def __init__(self, wire: Wire) -> None:
        self._wire: Wire | None = wire

    @property
    def wire(self) -> Wire | None:
        """The connection that carries it."""
        return self._wire

    @property
    def connected(self) -> bool:
        """Whether a connection carries it."""
        return self._wire is not None

    def detach(self) -> None:
        """Close the connection, from any thread. What was sent and not acknowledged is kept."""
        self._drop(self._wire)

    @abstractmethod
    def _drop(self, wire: Wire | None) -> None:
        """Close ``wire``, if that is still the connection."""

    @abstractmethod
    def attach(self, wire: Wire, delivered: int) -> None:
        """Go on over ``wire``, which carries nothing yet, from position ``delivered``: what the peer has.

        Raises FrameError for a position that cannot be.
        """


def take(parts: deque[memoryview], count: int) -> None:
    """Take the first ``count`` bytes out of ``parts``."""
    while count:
        part = parts.popleft()
        if part.nbytes > count:
            parts.appendleft(part[count:])
        count -= min(count, part.nbytes)


class Kept:
    """Bytes that were sent and may have to be sent once more: views of the sender's memory, from ``begin`` on."""

    def __init__(self) -> None:
        self.begin = 0
        self.nbytes = 0
        self._parts: deque[memoryview] = deque()

    @property
    def end(self) -> int:
        """The position after the last byte sent."""
        return self.begin + self.nbytes

    def add(self, parts: Sequence[memoryview], count: int) -> None:
        """Keep the first ``count`` bytes of ``parts``, which were sent."""
        self.nbytes += count
        for part in parts:
            if count <= 0:
                return
            self._parts.append(part if part.nbytes <= count else part[:count])
            count -= part.nbytes

    def release(self, position: int) -> None:
        """Let go of what is before ``position``. What is not known to be sent yet stays to be released."""
        count = min(position, self.end) - self.begin
        if count <= 0:
            return
        self.begin += count
        self.nbytes -= count
        take(self._parts, count)

    def rewind(self, position: int, peer: str) -> list[memoryview]:
        """Take back, to be sent again, what was sent from ``position`` on. Raises FrameError if that is not here."""
        if not self.begin <= position <= self.end:
            raise FrameError(
                f"'{peer}' says it has {position} bytes of a stream of which it acknowledged {self.begin} and was "
                f"sent {self.end}.",
                peer,
            )
        self.release(position)
        parts = list(self._parts)
        self._parts.clear()
        self.nbytes = 0
        return parts
