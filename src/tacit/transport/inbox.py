"""Receiving on one data connection, straight into the memory that the caller prepared."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from time import monotonic

from tacit.errors import FrameError, InternalError
from tacit.transport._base import Accept
from tacit.transport.framing import HEADER_BYTES, Kind, unpack_header
from tacit.transport.lane import Lane
from tacit.transport.sockets import PeerGone
from tacit.transport.wire import ForgedError, Wire

ACKNOWLEDGE_BYTES = 16 << 20
"""After so many bytes the sender is told that it need not keep them."""

_BUFFER_BYTES = 1 << 16
_CHECK_SECONDS = 0.2
_RENEWAL_SECONDS = 0.02


class Lasting:
    """What an inbox whose connection may be replaced tells: ``on_lost`` and ``on_forged`` when it ends."""

    def __init__(
        self, on_lost: Callable[[], None], on_forged: Callable[[ForgedError], None], acknowledge: Callable[[], None]
    ) -> None:
        self.on_lost, self.on_forged, self.acknowledge = on_lost, on_forged, acknowledge


class Inbox(Lane):
    """The frames of one data connection.

    ``wake`` is a file descriptor that becomes readable when the session fails. ``check(idle)`` runs before each wait
    and raises when waiting is in vain; ``idle`` says that no part of a frame has arrived. lasting: another connection
    may take the place of one that broke, in the middle of a frame too.
    """

    def __init__(
        self, wire: Wire, peer: str, wake: int, check: Callable[[bool], None], lasting: Lasting | None = None
    ) -> None:
        super().__init__(wire)
        self._peer = peer
        self._wake = wake
        self._check = check
        self._lasting = lasting
        self._acknowledged = 0
        self._reading = threading.Lock()
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._begin = self._end = 0
        self._poll = self._waits_for(wire)
        self._broken = False
        self.frames = 0
        """How many frames were received."""

        self.waiting_since = 0.0
        """When a wait that still goes on began (``monotonic()``); 0 if there is none."""

        self._waited = 0.0

    @property
    def arrived(self) -> int:
        """How many bytes of this connection came out of the network: whether any still do."""
        wire = self._wire
        return wire.arrived if wire is not None else 0

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

    def attach(self, wire: Wire, delivered: int) -> None:
        if delivered:
            raise FrameError(f"'{self._peer}' says it received {delivered} bytes where nothing is sent.", self._peer)
        with self._reading:
            self._poll = self._waits_for(wire)
            self._wire = wire

    def close(self) -> None:
        """Close the connection."""
        with self._reading:
            if self._wire is not None:
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
            count = self._read(buffer)
            if count:
                if self.waiting_since:
                    self._waited += monotonic() - self.waiting_since
                    self.waiting_since = 0.0
                return count
            self._check(idle)
            self.waiting_since = self.waiting_since or monotonic()
            self._poll.poll((_CHECK_SECONDS if self._wire is not None else _RENEWAL_SECONDS) * 1000)

    def _read(self, buffer: memoryview) -> int:
        wire: Wire | None = None
        try:
            with self._reading:
                wire = self._wire
                count = wire.read_some(buffer) if wire is not None else 0
                self.received += count
        except PeerGone:
            if self._lasting is None:
                raise
            self._drop(wire)
            return 0
        except ForgedError as error:
            if self._lasting is None:
                raise
            self._lasting.on_forged(error)
            self._drop(wire)
            return 0
        if self._lasting is not None and self.received - self._acknowledged >= ACKNOWLEDGE_BYTES:
            self._acknowledged = self.received
            self._lasting.acknowledge()
        return count

    def _waits_for(self, wire: Wire | None) -> select.poll:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        if wire is not None:
            poll.register(wire, select.POLLIN)
        return poll

    def _drop(self, wire: Wire | None) -> None:
        with self._reading:
            if wire is None or wire is not self._wire:
                return
            self._wire = None
            self._poll = self._waits_for(None)
            wire.close()
        if self._lasting is not None:
            self._lasting.on_lost()
