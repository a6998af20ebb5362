"""Signs of life that need no Python: sent by a native thread, whatever the interpreter is busy with.

A heartbeat from a Python thread stays away as long as another thread holds the interpreter's lock, and one call into
foreign code may hold it for minutes. Of the two data connections of a pair each carries frames one way only; the bytes
that go the other way are pulses. They say nothing: that some arrived is the message. Which bytes they are the wire
says, which makes them before (``tacit.transport.wire``): on a sealed one nobody else can foretell them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tacit.transport.wire import Wire


class Pulse:
    """Sends a beat on each of ``wires``, now and every ``seconds``, until ``stop``; does nothing without a compiler.

    A stopped process (SIGSTOP, a suspended machine) sends none.
    """

    def __init__(self, wires: Sequence[Wire], seconds: float) -> None:
        self._handle = 0
        if available():
            from tacit import _native

            self._handle = _native.start_pulse([(wire.fileno(), *wire.beats()) for wire in wires], seconds)

    def stop(self) -> None:
        """End it; stopping again does nothing."""
        handle, self._handle = self._handle, 0
        if handle:
            from tacit import _native

            _native.stop_pulse(handle)


def available() -> bool:
    """Whether Tacit was built with a compiler, and not for another version of these sources."""
    from tacit.ring import kernels  # stands on PyTorch: nodes can meet before it is loaded

    return any(name != "reference" for name in kernels.available())
