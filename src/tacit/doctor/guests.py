"""The callers at this host's port: greeted within seconds, a few at a time, strangers told of and turned away."""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from tacit.doctor.calling import PURPOSE, Hello, frame, plain, until
from tacit.doctor.line import Line
from tacit.errors import FrameError
from tacit.runtime.greeting import SmallFrame
from tacit.transport.framing import Kind
from tacit.transport.security import Entrance, Security, write_all
from tacit.transport.sockets import PeerGone, close_quietly, tune

MAX_GUESTS = 64
"""Connections that are being greeted at a time; more are closed at once."""

MAX_NOTES = 8
GREETING_SECONDS = 5.0
_LET_GO_SECONDS = 1.0


class Guests:
    """Greets whoever comes to ``listener``, in threads, until ``stop``.

    judge: why a caller is not let in, or empty. arrived: takes the line of one that is; it may keep the thread.
    """

    def __init__(
        self,
        me: Hello,
        listener: socket.socket,
        security: Security,
        judge: Callable[[Hello], str],
        arrived: Callable[[Hello, Line, bool], None],
    ) -> None:
        self.strangers: dict[str, None] = {}  # in order; what was seen of those who were turned away
        self._me, self._listener, self._security = me, listener, security
        self._judge, self._arrived = judge, arrived
        self._places = threading.BoundedSemaphore(MAX_GUESTS)
        self._stopped = False
        self._thread = threading.Thread(target=self._accept, name="tacit doctor guests", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let nobody in any more."""
        self._stopped = True
        self._thread.join(2.0)
        self._listener.close()

    def _accept(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while not self._stopped:
            if not poll.poll(100):
                continue
            try:
                sock, address = self._listener.accept()
            except OSError:
                continue
            if self._places.acquire(blocking=False):
                threading.Thread(target=self._greet, args=(sock, str(address[0])), daemon=True).start()
            else:
                close_quietly(sock)

    def _greet(self, sock: socket.socket, host: str) -> None:
        entered = None
        try:
            entrance = self._security.of_stranger(tune(sock))
            entered = self._entered(entrance, host)
        except OSError:
            close_quietly(sock)
        finally:
            self._places.release()
        if entered is not None:
            self._arrived(*entered)

    def _entered(self, entrance: Entrance, host: str) -> tuple[Hello, Line, bool] | None:
        refusal = ""
        try:
            hello = self._hello(entrance)
            if hello is None:
                self._remember(f"from {host}: it did not say who it is")
            else:
                refusal = self._judge(hello)
        except (PeerGone, FrameError) as error:
            hello = None
            seen = entrance.note.replace("shown there ", "") or str(error).rstrip(".")
            self._remember(f"from {host}: {plain(seen) if seen else 'it closed the connection'}")
            if "certificate" in entrance.note:
                # The handshake is through, so that the caller can be told what only this end knows.
                refusal = f"{entrance.note.replace('shown there ', 'of the caller ')}"
        if hello is not None and not refusal:
            same = hello.is_for_session(self._me.session)
            answer = {"name": self._me.name, "order": self._me.order, "same_session": same}
            with suppress(PeerGone):
                write_all(entrance, frame(Kind.WELCOME, answer))
                return hello, Line(entrance.wire(hello.name, PURPOSE, caller=False), hello.name), same
        elif refusal:
            with suppress(PeerGone):
                write_all(entrance, frame(Kind.WELCOME, {"refusal": refusal}))
        _let_go(entrance)
        return None

    def _hello(self, entrance: Entrance) -> Hello | None:
        """Who comes, if it says so in time. Raises PeerGone and FrameError."""
        deadline = monotonic() + GREETING_SECONDS
        if not until(entrance.sock, deadline, entrance.ready):
            return None
        first = SmallFrame(entrance, "a stranger")
        message: dict[str, Any] | None = until(entrance.sock, deadline, lambda: first.read(Kind.HELLO))
        if message is None:
            return None
        try:
            hello = Hello(*(str(message[key]) for key in ("session", "order", "name", "to")))
        except KeyError:
            raise FrameError("it sent an unreadable greeting.", "a stranger") from None
        if not entrance.is_from(hello.name):
            raise FrameError(f"somebody with another certificate says it is '{hello.name[:64]}'.", "a stranger")
        if message.get("purpose") != PURPOSE:
            with suppress(PeerGone):
                refusal = f"'{self._me.name}' runs `tacit doctor` now, not the job"
                write_all(entrance, frame(Kind.WELCOME, {"refusal": refusal}))
            raise FrameError(f"'{hello.name}' runs the job, not `tacit doctor`.", hello.name)
        return hello

    def _remember(self, what: str) -> None:
        logging.getLogger(__name__).info("turned away a connection %s", what)
        if len(self.strangers) < MAX_NOTES:
            self.strangers[what] = None


def _let_go(entrance: Entrance) -> None:
    """Close once the other end has: bytes that nobody read would make the kernel drop what was just sent."""
    deadline = monotonic() + _LET_GO_SECONDS
    with suppress(OSError):
        entrance.sock.shutdown(socket.SHUT_WR)
        while (seconds := deadline - monotonic()) > 0:
            poll = select.poll()
            poll.register(entrance.sock, select.POLLIN)
            if poll.poll(seconds * 1000) and not entrance.sock.recv(1 << 12):
                break
    entrance.close()
