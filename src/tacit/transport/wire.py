"""A connection as those see it who send and receive on it: bytes, in order, without ever waiting."""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence

from tacit.errors import FrameError
from tacit.transport.sockets import PeerGone, close_quietly

MAX_PARTS = 64
"""Views that one write takes at most."""

_READ_BYTES = 1 << 12
WOULD_BLOCK = (BlockingIOError, InterruptedError)


class ForgedError(FrameError):
    """Bytes on a sealed connection that its other end did not send: somebody on the way changed them."""


class Wire(ABC):
    """One end of a greeted, non-blocking connection.

    Where frames go one way only, *beats* may go the other: signs of life that a native thread sends, bytes made before
    (``tacit.transport.pulse``). One thread may write, another read. arrived: how many bytes came out of the network.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.arrived = 0

    def fileno(self) -> int:
        """The file descriptor to poll."""
        return self.sock.fileno()

    def peer_address(self) -> tuple[str, int]:
        """Host and port of the other end; ``("?", 0)`` once it has gone."""
        try:
            host, port = self.sock.getpeername()[:2]
        except (OSError, ValueError):
            return "?", 0
        return host, port

    def close(self) -> None:
        """Close, whatever state the connection is in."""
        close_quietly(self.sock)

    @abstractmethod
    def write_some(self, parts: Sequence[memoryview]) -> int:
        """Write as much as goes without waiting; returns the number of bytes (0 when nothing goes).

        Who is told 0 must come again with the same bytes first.
        """

    @abstractmethod
    def read_some(self, buffer: memoryview) -> int:
        """Read what is there without waiting, at most ``buffer``; the number of bytes (0 when there is nothing).

        Raises PeerGone at the end, ForgedError for bytes that the peer did not send.
        """

    @abstractmethod
    def beats(self) -> tuple[bytes, int]:
        """What to send as signs of life, one after the other and then from the start again; bytes for each."""

    @abstractmethod
    def felt(self) -> bool:
        """Take the beats that arrived; whether there were any. Raises as ``read_some``."""


class PlainWire(Wire):
    """Bytes as they are."""

    def write_some(self, parts: Sequence[memoryview]) -> int:
        try:
            return self.sock.sendmsg(parts[:MAX_PARTS])
        except WOULD_BLOCK:
            return 0
        except OSError as error:
            raise PeerGone from error

    def read_some(self, buffer: memoryview) -> int:
        count = received(self.sock, buffer)
        self.arrived += count
        return count

    def beats(self) -> tuple[bytes, int]:
        return b"\0", 1

    def felt(self) -> bool:
        return bool(taken(self.sock, _READ_BYTES))


def received(sock: socket.socket, buffer: memoryview) -> int:
    """Read into ``buffer`` what is there; 0 when there is nothing. Raises PeerGone at the end."""
    try:
        count = sock.recv_into(buffer)
    except WOULD_BLOCK:
        return 0
    except OSError as error:
        raise PeerGone from error
    if count == 0 and buffer.nbytes:
        raise PeerGone
    return count


def taken(sock: socket.socket, at_most: int) -> bytes:
    """Bytes that are there; none when there is nothing. Raises PeerGone at the end."""
    try:
        data = os.read(sock.fileno(), at_most)
    except WOULD_BLOCK:
        return b""
    except OSError as error:
        raise PeerGone from error
    if not data:
        raise PeerGone
    return data
