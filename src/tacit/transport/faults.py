"""Faults for tests: a TCP transport that misbehaves at a chosen frame, as a broken or hostile peer would."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from tacit.transport.framing import Kind, pack_header
from tacit.transport.tcp import TcpTransport
from tacit.transport.wrapper import TransportWrapper

Fault = Callable[[TcpTransport, str], None]
"""Does something bad to the link with one peer."""


def sever(transport: TcpTransport, peer: str) -> None:
    """End all connections with ``peer`` without a word."""
    for wire in (transport._outboxes[peer]._wire, transport._inboxes[peer]._wire, transport._controls[peer].wire):
        if wire is not None:
            with suppress(OSError):
                wire.sock.shutdown(socket.SHUT_RDWR)


def garbage(transport: TcpTransport, peer: str) -> None:
    """Send bytes that are no frame."""
    transport._outboxes[peer].send([memoryview(b"\x00garbage" * 16)])


def huge_frame(transport: TcpTransport, peer: str) -> None:
    """Send the header of a frame that claims 2^60 bytes."""
    header = pack_header(Kind.DATA, 0, 1 << 60, transport.frames_to(peer))
    transport._outboxes[peer].send([memoryview(header)])


def replay(transport: TcpTransport, peer: str) -> None:
    """Send a frame whose number was used before."""
    transport._outboxes[peer].send([memoryview(pack_header(Kind.DATA, 0, 0, transport.frames_to(peer) - 1))])


def freeze(transport: TcpTransport, peer: str) -> None:
    """Stop all heartbeats and pulses, to every peer, as a stopped process does; connections stay open."""
    for pulse in transport._pulses.values():
        pulse.stop()
    transport._monitor._beat = lambda: None  # type: ignore[method-assign]


def delay(seconds: float) -> Fault:
    """Wait before the frame is sent."""
    return lambda transport, peer: time.sleep(seconds)


class FaultyTransport(TransportWrapper):
    """Passes everything on to ``inner``, and commits a fault just before data frame k to a peer (the first is 0).

    faults: by peer and number of frame. The frame itself is sent after the fault, if that still works.
    """

    def __init__(self, inner: TcpTransport, faults: Mapping[tuple[str, int], Fault]) -> None:
        super().__init__(inner)
        self._tcp = inner
        self._faults = faults

    def send(self, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        fault = self._faults.get((peer, self._tcp.frames_to(peer)))
        if fault is not None:
            fault(self._tcp, peer)
        self._inner.send(peer, tag, payload)
