"""Signs of life that need no Python: sent by a native thread, whatever the interpreter is busy with.

A heartbeat from a Python thread stays away as long as another thread holds the interpreter's lock, and one call into
foreign code may hold it for minutes. Of the two data connections of a pair each carries frames one way only; the bytes
that go the other way are pulses. They say nothing and are counted, never read: that some arrived is the message.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from tacit.ring import kernels
from tacit.transport.sockets import PeerGone

_READ_BYTES = 1 << 12


class Pulse:
    """Sends a byte on each of ``sockets``, now and every ``seconds``, until ``stop``; does nothing without a compiler.

    A stopped process (SIGSTOP, a suspended machine) sends none.
    """

    def __init__(self, sockets: Sequence[socket.socket], seconds: float) -> None:
        self._handle = 0
        if available():
            from tacit import _native

            self._handle = _native.start_pulse([sock.fileno() for sock in sockets], seconds)

    def stop(self) -> None:
        """End it; stopping again does nothing."""
        handle, self._handle = self._handle, 0
        if handle:
            from tacit import _native

            _native.stop_pulse(handle)


def available() -> bool:
    """Whether Tacit was built with a compiler, and not for another version of these sources."""
    return any(name != "reference" for name in kernels.available())


def felt(sock: socket.socket) -> bool:
    """Take the pulses that arrived; whether there were any. Raises PeerGone at the end of the connection."""
    try:
        # Of the connection itself: what protects its frames knows nothing of pulses.
        data = os.read(sock.fileno(), _READ_BYTES)
    except (BlockingIOError, InterruptedError):
        return False
    except OSError as error:
        raise PeerGone from error
    if not data:
        raise PeerGone
    return True
