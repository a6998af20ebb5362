"""Receiving on one data connection, straight into the memory that the caller prepared."""

from __future__ import annotations

import select
from collections.abc import Callable
from time import monotonic

from tacit.errors import FrameError, InternalError
from tacit.transport._base import Accept
from tacit.transport.framing import HEADER_BYTES, Kind, unpack_header
from tacit.transport.wire import Wire

_BUFFER_BYTES = 1 << 16
_CHECK_SECONDS = 0.2


class Inbox:
    """The frames of one data connection.

    ``wake`` is a file descriptor that becomes readable when the session fails. ``check(idle)`` runs before each wait
    and raises when waiting is in vain; ``idle`` says that no part of a frame has arrived.
    """

    def __init__(self, wire: Wire, peer: str, wake: int, check: Callable[[bool], None]) -> None:
        self._wire = wire
        self._peer = peer
        self._check = check
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._begin = self._end = 0
        self._poll = select.poll()
        self._poll.register(wire, select.POLLIN)
        self._poll.register(wake, select.POLLIN)
        self._broken = False
        self.frames = 0
        """How many frames were received."""

        self.waiting_since = 0.0
        """When a wait that still goes on began (``monotonic()``); 0 if there is none."""

        self._waited = 0.0

    @property
    def waited(self) -> float:
        """For how many seconds ``receive`` waited in all."""
        since = self.waiting_since
        return self._waited + (monotonic() - since if since else 0.0)

    def receive(self, accept: Accept) -> tuple[int, int]:
        """Receive one frame; returns the bytes of its payload and of its framing. Raises PeerGone at the end."""
        if self._broken:
            raise InternalError(f"the link from '{self._peer}' is used after a frame on it was refused.")
        self._fill(HEADER_BYTES, idle=True)
        self._broken = True  # until the whole frame is taken, since what follows could not be told apart
        header = unpack_header(self._take(HEADER_BYTES), self._peer)
        if header.kind is not Kind.DATA or header.sequence != self.frames:
            raise FrameError(
                f"'{self._peer}' sent a {header.kind.name} frame with number {header.sequence} where DATA frame "
                f"{self.frames} was due.",
                self._peer,
            )
        self._fill(header.tag_bytes, idle=False)
        tag = bytes(self._take(header.tag_bytes))
        target = accept(tag, header.payload_bytes)
        if target.nbytes != header.payload_bytes:
            raise InternalError(f"accept returned {target.nbytes} bytes of memory for {header.payload_bytes}.")
        self._read_into(target)
        self.frames += 1
        self._broken = False
        return header.payload_bytes, HEADER_BYTES + header.tag_bytes

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _take(self, count: int) -> memoryview:
        view = self._buffer[self._begin : self._begin + count]
        self._begin += count
        return view

    def _fill(self, count: int, idle: bool) -> None:
        """Have at least ``count`` bytes in the buffer."""
        if self._begin == self._end:
            self._begin = self._end = 0
        elif self._begin + count > _BUFFER_BYTES:
            rest = bytes(self._buffer[self._begin : self._end])
            self._buffer[: len(rest)] = rest
            self._begin, self._end = 0, len(rest)
        while self._end - self._begin < count:
            self._end += self._some(self._buffer[self._end :], idle and self._begin == self._end)

    def _read_into(self, target: memoryview) -> None:
        done = min(self._end - self._begin, target.nbytes)
        target[:done] = self._take(done)
        while done < target.nbytes:
            done += self._some(target[done:], False)

    def _some(self, buffer: memoryview, idle: bool) -> int:
        """At least one byte; waits for it."""
        while True:
            count = self._wire.read_some(buffer)
            if count:
                if self.waiting_since:
                    self._waited += monotonic() - self.waiting_since
                    self.waiting_since = 0.0
                return count
            self._check(idle)
            self.waiting_since = self.waiting_since or monotonic()
            self._poll.poll(_CHECK_SECONDS * 1000)
