"""Sending on one data connection without ever waiting for the peer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from tacit.transport.lane import Kept, Lane, take
from tacit.transport.sockets import PeerGone, wait_writable, without
from tacit.transport.wire import MAX_PARTS, ForgedError, Wire

INLINE_BYTES = 1 << 20
"""Frames up to this size are written by the caller itself when nothing is queued; it costs no thread switch."""

LARGE_BYTES = 1 << 16

KEPT_BYTES = 64 << 20
"""Sent and not acknowledged at most (and a write more): beyond it, what is queued waits for the peer."""

_POLL_SECONDS = 0.25


class Outbox(Lane):
    """The queue of one data connection, and the thread that empties it when the kernel takes no more.

    ``on_lost`` is called when the connection breaks. lasting: another connection may take its place, so what is sent
    is kept until it is acknowledged; otherwise the queue is dropped then.
    """

    def __init__(self, wire: Wire, peer: str, on_lost: Callable[[], None], lasting: bool = False) -> None:
        super().__init__(wire)
        self._peer = peer
        self._on_lost = on_lost
        self._lasting = lasting
        self._kept = Kept()
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._feeling = threading.Lock()
        self._thread: threading.Thread | None = None
        self._writing = False
        self._closed = False

    @property
    def sent(self) -> int:
        """The position up to which the stream was sent."""
        return self._kept.end

    def send(self, parts: Sequence[memoryview]) -> None:
        """Send the parts in order; what does not go at once is sent by a thread."""
        rest = [part for part in parts if part.nbytes]
        size = sum(part.nbytes for part in rest)
        with self._changed:
            if self._closed:
                return
            wire = self._wire
            if wire is not None and not self._queue and size <= INLINE_BYTES and self._kept.nbytes < KEPT_BYTES:
                try:
                    while size and (count := wire.write_some(rest)):
                        if self._lasting:
                            self._kept.add(rest, count)
                        rest, size = without(rest, count), size - count
                except PeerGone:
                    self._lost(wire)
                if not size or self._closed:
                    return
            self._queue.extend(rest)
            self._queued += size
            self._start()

    def wait_until(self, at_most: int, stop: Callable[[], bool]) -> None:
        """Wait until at most ``at_most`` bytes are queued, or ``stop()``."""
        with self._changed:
            while self._queued > at_most and not self._closed and not stop():
                self._changed.wait(_POLL_SECONDS)

    def acknowledged(self, position: int) -> None:
        """The peer has everything before ``position``."""
        with self._changed:
            self._kept.release(position)
            self._changed.notify_all()

    def felt(self) -> bool:
        """Take the pulses that came back; whether there were any. Raises as a wire does."""
        wire: Wire | None = None
        try:
            with self._feeling:
                wire = self._wire
                return wire is not None and wire.felt()
        except (PeerGone, ForgedError):
            if self._lasting:
                self._drop(wire)
            raise

    def attach(self, wire: Wire, delivered: int) -> None:
        with self._changed:
            self._wait_for_writer()
            again = self._kept.rewind(delivered, self._peer)
            self._queue.extendleft(reversed(again))
            self._queued += sum(part.nbytes for part in again)
            self._wire = wire
            self._start()

    def close(self) -> None:
        """Drop what is queued and close the connection."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(2 * _POLL_SECONDS)
        with self._changed:
            if self._wire is not None:
                self._close(self._wire)

    def _start(self) -> None:
        self._changed.notify_all()
        if self._thread is None and self._queue:
            self._thread = threading.Thread(target=self._run, name=f"tacit send to {self._peer}", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (wire := self._free()) is None:
                    self._changed.wait()
                if self._closed or wire is None:
                    return
                large = self._queue[0].nbytes >= LARGE_BYTES  # goes alone, so that no wire need copy it
                parts = list(islice(self._queue, 1 if large else MAX_PARTS))
                self._writing = True
            count, lost = 0, False
            try:
                count = wire.write_some(parts)
            except PeerGone:
                lost = True
            with self._changed:
                self._writing = False
                self._advance(parts, count)
                if lost:
                    self._lost(wire)
                self._changed.notify_all()
            if not count and not lost:
                wait_writable(wire, _POLL_SECONDS)

    def _free(self) -> Wire | None:
        """The connection, if there is something that may be written to it."""
        return self._wire if self._queue and self._kept.nbytes < KEPT_BYTES else None

    def _advance(self, parts: Sequence[memoryview], count: int) -> None:
        """The first ``count`` bytes of the queue are sent."""
        if not count or self._closed:
            return
        if self._lasting:
            self._kept.add(parts, count)
        self._queued -= count
        take(self._queue, count)

    def _wait_for_writer(self) -> None:
        """A write does not wait, but it may be under way."""
        while self._writing:
            self._changed.wait(_POLL_SECONDS)

    def _drop(self, wire: Wire | None) -> None:
        with self._changed:
            if wire is None or wire is not self._wire:
                return
            self._wire = None
            self._wait_for_writer()
            self._close(wire)
        self._on_lost()

    def _lost(self, wire: Wire) -> None:
        if self._lasting:
            if wire is not self._wire:
                return
            self._wire = None
            self._close(wire)
        else:
            self._closed = True
            self._queue.clear()
            self._queued = 0
        self._changed.notify_all()
        self._on_lost()

    def _close(self, wire: Wire) -> None:
        with self._feeling:
            wire.close()
