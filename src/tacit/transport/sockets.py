"""What all non-blocking connections have in common."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol


class HasFileno(Protocol):
    """What can be polled."""

    def fileno(self) -> int:
        """The file descriptor."""


class PeerGone(Exception):
    """The other end closed the connection, or it broke. Transport-internal: users see a ``LinkError``."""


class Alarm:
    """Wakes threads that poll ``fileno()``; rings on until it is cleared. Safe to ring after it was closed."""

    def __init__(self) -> None:
        self._listen, self._ring = socket.socketpair()
        self._listen.setblocking(False)
        self._ring.setblocking(False)

    def fileno(self) -> int:
        """The file descriptor to poll for reading."""
        return self._listen.fileno()

    def ring(self) -> None:
        """Wake whoever polls."""
        with suppress(OSError):  # it rings already, or nobody listens any more
            self._ring.send(b"!")

    def clear(self) -> None:
        """Be silent until the next ring."""
        with suppress(OSError):
            while self._listen.recv(4096):
                pass

    def close(self) -> None:
        """Release both ends."""
        self._listen.close()
        self._ring.close()


def tune(sock: socket.socket) -> socket.socket:
    """Make a connection non-blocking, and send small frames at once."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def without(parts: Sequence[memoryview], count: int) -> list[memoryview]:
    """The parts that remain after ``count`` bytes of them were written."""
    rest: list[memoryview] = []
    for part in parts:
        if count >= part.nbytes:
            count -= part.nbytes
        else:
            rest.append(part[count:])
            count = 0
    return rest


def wait_writable(sock: HasFileno, seconds: float) -> None:
    """Wait until something can be written, at most ``seconds``. Another thread may close it meanwhile."""
    poll = select.poll()
    with suppress(ValueError):  # it is closed
        poll.register(sock, select.POLLOUT)
        poll.poll(seconds * 1000)


def close_quietly(sock: socket.socket) -> None:
    """Close, whatever state the connection is in."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        sock.close()
