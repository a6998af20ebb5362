"""Frames that carry a few numbers from transport to transport, before their tag."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tacit.errors import FrameError
from tacit.transport._base import Accept, Transport


class Timestamps:
    """So many float numbers before the tag of every frame. Both ends must use as many; they take 8 bytes each."""

    def __init__(self, count: int) -> None:
        self._numbers = struct.Struct(f"<{count}d")

    def send(
        self, transport: Transport, peer: str, numbers: Sequence[float], tag: bytes, payload: Sequence[memoryview]
    ) -> None:
        """Send a frame with its numbers."""
        transport.send(peer, self._numbers.pack(*numbers) + tag, payload)

    def receive(self, transport: Transport, peer: str, accept: Accept) -> tuple[float, ...]:
        """Receive a frame; returns its numbers. Raises FrameError if there are none."""
        numbers: tuple[float, ...] = ()

        def unstamped(tag: bytes, length: int) -> memoryview:
            nonlocal numbers
            if len(tag) < self._numbers.size:
                raise FrameError(f"'{peer}' does not shape its link as '{transport.name}' does.", peer)
            numbers = self._numbers.unpack_from(tag)
            return accept(tag[self._numbers.size :], length)

        transport.receive(peer, unstamped)
        return numbers
