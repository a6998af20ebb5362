"""SIGINT and SIGTERM: an orderly end, of which the other nodes are told.

Python runs a signal's handler on the main thread, between two steps of the program: too late while that thread is in a
kernel for long. The signal's number is therefore also written to a pipe, at once, where a thread reads it. That
thread tells the others what the main thread could not tell yet, and in the end makes sure that the process ends.

Loaded before anything else of the command: it must stay small.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from time import monotonic, sleep

from tacit.errors import OperatorStop

TYPE_CHECKING = False  # as type checkers take it; typing itself takes long to load
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

TELL_SECONDS = 0.5
"""How long the main thread has to tell the others itself."""

END_SECONDS = 10.0
"""How long the process has to end by itself; then it is ended."""

_AGAIN_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Listening:
    """The handlers of this process, and whom to call when they are late."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None
        self.late: list[Callable[[], None]] = []
        self.before: dict[signal.Signals, Any] = {}
        self.reader, self.writer = os.pipe()

    def start(self) -> None:
        os.set_blocking(self.writer, False)
        signal.set_wakeup_fd(self.writer, warn_on_full_buffer=False)
        for each in _SIGNALS:
            if signal.getsignal(each) is not signal.SIG_IGN:  # a shell ignores SIGINT for what it runs beside itself
                self.before[each] = signal.signal(each, self.handle)
        os.register_at_fork(after_in_child=self.forget)
        threading.Thread(target=self.watch, name="tacit signals", daemon=True).start()

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """On the main thread. A second signal ends the process; but one request may come twice (GNU timeout)."""
        now = monotonic()
        if self.first is not None:
            if now - self.first[1] > _AGAIN_SECONDS:
                end(signum)
            return
        self.first = signum, now
        raise OperatorStop(signum)

    def watch(self) -> None:
        """The thread that reads the numbers of signals: all for which the program has a handler, not only ours."""
        while True:
            wanted = [signum for signum in os.read(self.reader, 64) if signum in _SIGNALS and signum in self.before]
            if wanted:
                break
        sleep(TELL_SECONDS)
        for call in list(self.late):
            call()
        sleep(END_SECONDS - TELL_SECONDS)
        end(wanted[0])

    def forget(self) -> None:
        """In a process that the job forks: what stops that one is no word to this node."""
        if _listening is not self:
            return
        signal.set_wakeup_fd(-1)
        for each, handler in self.before.items():
            signal.signal(each, handler)
        self.late.clear()


_listening: _Listening | None = None


def listen() -> None:
    """From now on SIGINT and SIGTERM raise OperatorStop on the main thread, which must be the caller's."""
    global _listening
    _listening = _Listening()
    _listening.start()


def leave() -> None:
    """The command is over: a signal now ends the process at once, without a traceback from what Python tidies up."""
    global _listening
    if _listening is not None:
        signal.set_wakeup_fd(-1)
        for each in _listening.before:
            signal.signal(each, signal.SIG_DFL)
        _listening.before.clear()
        _listening = None


def asked() -> int:
    """The signal by which this process was asked to end; 0 if it was not."""
    return _listening.first[0] if _listening is not None and _listening.first is not None else 0


@contextmanager
def when_late(call: Callable[[], None]) -> Iterator[None]:
    """Meanwhile: ``call`` if the main thread has not ended soon after a signal. From another thread; must not raise.

    Raises OperatorStop if there was a signal: foreign code, such as what PyTorch does while it loads, may swallow one.
    """
    listening = _listening
    if asked():
        raise OperatorStop(asked())
    if listening is None:
        yield
        return
    listening.late.append(call)
    try:
        yield
    finally:
        if call in listening.late:
            listening.late.remove(call)


def end(signum: int) -> None:
    """End the process now. What it still had to print is lost: to wait for a stream may be what it hangs in."""
    os._exit(128 + signum)
