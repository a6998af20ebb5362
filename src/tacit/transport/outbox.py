"""Sending on one data connection without ever waiting for the peer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from tacit.transport.sockets import PeerGone, wait_writable, without
from tacit.transport.wire import Wire

INLINE_BYTES = 1 << 20
"""Frames up to this size are written by the caller itself when nothing is queued; it costs no thread switch."""

_POLL_SECONDS = 0.25


class Outbox:
    """The queue of one data connection, and the thread that empties it when the kernel takes no more.

    ``on_lost`` is called, once, when the connection breaks.
    """

    def __init__(self, wire: Wire, peer: str, on_lost: Callable[[], None]) -> None:
        self._wire = wire
        self._peer = peer
        self._on_lost = on_lost
        self._queue: deque[list[memoryview]] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def send(self, parts: Sequence[memoryview]) -> None:
        """Send the parts in order; what does not go at once is sent by a thread."""
        rest = [part for part in parts if part.nbytes]
        size = sum(part.nbytes for part in rest)
        with self._changed:
            if not self._queue and size <= INLINE_BYTES:
                try:
                    while size and (count := self._wire.write_some(rest)):
                        rest, size = without(rest, count), size - count
                except PeerGone:
                    return self._lost()
                if not size:
                    return None
            self._queue.append(rest)
            self._queued += size
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"tacit send to {self._peer}", daemon=True)
                self._thread.start()
        return None

    def wait_until(self, at_most: int, stop: Callable[[], bool]) -> None:
        """Wait until at most ``at_most`` bytes are queued, or ``stop()``."""
        with self._changed:
            while self._queued > at_most and not self._closed and not stop():
                self._changed.wait(_POLL_SECONDS)

    def close(self) -> None:
        """Drop what is queued and close the connection."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(2 * _POLL_SECONDS)
        self._wire.close()

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    while not self._queue and not self._closed:
                        self._changed.wait()
                    if self._closed:
                        return
                    head = self._queue[0]
                self._write(head)
        except PeerGone:
            with self._changed:
                self._lost()

    def _write(self, parts: list[memoryview]) -> None:
        """Write the head of the queue, then take it off."""
        while parts and not self._closed:
            count = self._wire.write_some(parts)
            if count == 0:
                wait_writable(self._wire, _POLL_SECONDS)
                continue
            parts = without(parts, count)
            with self._changed:
                self._queued -= count
                self._changed.notify_all()
        with self._changed:
            if self._queue:
                self._queue.popleft()
            self._changed.notify_all()

    def _lost(self) -> None:
        self._closed = True
        self._queue.clear()
        self._queued = 0
        self._changed.notify_all()
        self._on_lost()
