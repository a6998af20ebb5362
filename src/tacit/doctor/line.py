"""A greeted connection between two doctors: whole messages, and waiting that always ends."""

from __future__ import annotations

import select
from collections import deque
from time import monotonic

from tacit.doctor.messages import Kind, Parser
from tacit.errors import FrameError
from tacit.transport.sockets import PeerGone, wait_writable
from tacit.transport.wire import Wire

_READ_BYTES = 1 << 18


class LineLost(Exception):
    """The connection ended, stood still or carried what is no message. Internal: it becomes a finding."""


class Line:
    """One end. Only one thread uses it."""

    def __init__(self, wire: Wire, peer: str) -> None:
        self.peer = peer
        self._wire = wire
        self._parser = Parser(peer)
        self._came: deque[tuple[Kind, bytes]] = deque()
        self._scratch = memoryview(bytearray(_READ_BYTES))

    def send(self, data: bytes | memoryview, deadline: float) -> None:
        """Send all of ``data``. Raises LineLost, also when it does not go by ``deadline``."""
        rest = memoryview(data)
        try:
            while rest:
                count = self._wire.write_some([rest])
                rest = rest[count:]
                if count == 0:
                    seconds = deadline - monotonic()
                    if seconds <= 0:
                        raise LineLost("it takes no more bytes")
                    wait_writable(self._wire, min(seconds, 1.0))
        except PeerGone:
            raise LineLost("the connection broke") from None

    def receive(self, deadline: float) -> tuple[Kind, bytes] | None:
        """The next message, or None when there is none by ``deadline``. Raises LineLost."""
        while not self._came:
            try:
                count = self._wire.read_some(self._scratch)
                self._came.extend(self._parser.feed(self._scratch[:count]))
            except PeerGone:
                raise LineLost("the connection broke") from None
            except FrameError as error:
                raise LineLost(str(error).rstrip(".")) from None
            if not self._came and count == 0:
                seconds = deadline - monotonic()
                if seconds <= 0:
                    return None
                poll = select.poll()
                poll.register(self._wire, select.POLLIN)
                poll.poll(min(seconds, 1.0) * 1000)
        return self._came.popleft()

    def expect(self, kinds: tuple[Kind, ...], deadline: float) -> tuple[Kind, bytes]:
        """The next message of these kinds, beats passed over. Raises LineLost for any other, and at ``deadline``."""
        while True:
            message = self.receive(deadline)
            if message is None:
                raise LineLost("it did not answer in time")
            if message[0] in kinds:
                return message
            if message[0] is not Kind.BEAT:
                raise LineLost(f"it sent {message[0].name} where {' or '.join(kind.name for kind in kinds)} was due")

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()
