"""The first frame on each connection, from both ends: a caller that says who it is, a guest that has to."""

from __future__ import annotations

import errno
import hmac
import json
import selectors
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any

from tacit.errors import FrameError
from tacit.transport.framing import HEADER_BYTES, Kind, pack_header, unpack_header
from tacit.transport.security import Security
from tacit.transport.sockets import PeerGone, close_quietly, read_some, tune

MAX_GREETING_BYTES = 4096
GUEST_SECONDS = 2.0
"""How long a new connection may take to say who it is."""

_RETRY_SECONDS = 0.1

Refusal = str


class Purpose(StrEnum):
    """What a connection is for: data from the caller, data to the caller, control."""

    FORTH = "forth"
    BACK = "back"
    CONTROL = "control"


@dataclass(frozen=True)
class Greeting:
    """Who comes to whom, for which session and what for. ``order``: all nodes by rank, as the sender lists them."""

    session: str = field(repr=False)
    order: str
    name: str
    to: str
    purpose: Purpose

    def is_for_session(self, session: str) -> bool:
        """Whether the sessions are the same one."""
        return hmac.compare_digest(self.session.encode(), session.encode())


class SmallFrame:
    """Reads exactly one frame of at most 4 KiB, and not a byte of the next one."""

    def __init__(self, sock: socket.socket, peer: str) -> None:
        self._sock, self._peer = sock, peer
        self._data = bytearray()

    def read(self, kind: Kind) -> dict[str, Any] | None:
        """The frame's JSON object; None while it has not all arrived. Raises FrameError and PeerGone."""
        if not self._grown_to(HEADER_BYTES):
            return None
        header = unpack_header(self._data[:HEADER_BYTES], self._peer, MAX_GREETING_BYTES)
        if header.kind is not kind or header.tag_bytes or header.sequence:
            raise FrameError(f"'{self._peer}' sent a {header.kind.name} frame where {kind.name} was due.", self._peer)
        if not self._grown_to(HEADER_BYTES + header.payload_bytes):
            return None
        try:
            message = json.loads(self._data[HEADER_BYTES:])
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise FrameError(f"'{self._peer}' sent an unreadable greeting.", self._peer)
        return message

    def _grown_to(self, size: int) -> bool:
        while len(self._data) < size:
            chunk = bytearray(size - len(self._data))
            count = read_some(self._sock, memoryview(chunk))
            if count == 0:
                return False
            self._data += chunk[:count]
        return True


class Caller:
    """One connection that this node makes, tried again until it is welcomed.

    ``reached`` tells whether anything ever answered at the address; ``note`` says why the call was refused.
    """

    def __init__(self, greeting: Greeting, address: tuple[str, int], security: Security) -> None:
        self.greeting, self.address = greeting, address
        self.sock: socket.socket | None = None
        self.events = selectors.EVENT_WRITE
        self.reached = False
        self.note = ""
        self._security = security
        self._reply: SmallFrame | None = None
        self._due = 0.0

    def start_if_due(self, now: float) -> None:
        """Begin to connect unless that is under way."""
        if self.sock is not None or now < self._due:
            return
        self._due = now + _RETRY_SECONDS
        self._security.check_address(self.address[0])
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        self.sock = tune(socket.socket(family, socket.SOCK_STREAM))
        self.events = selectors.EVENT_WRITE
        try:
            status = self.sock.connect_ex(self.address)
        except OSError:
            status = errno.EHOSTUNREACH
        if status not in (0, errno.EINPROGRESS):
            self.close()

    def proceed(self, now: float) -> socket.socket | None:
        """Go on after the socket became ready; returns it once the other end has said welcome."""
        try:
            if self._reply is None:
                self._greet()
                return None
            message = self._reply.read(Kind.WELCOME)
        except (OSError, PeerGone, FrameError):
            self.close()
            return None
        if message is None:
            return None
        if message.get("refusal") or message.get("name") != self.greeting.to:
            named = str(message.get("name"))[:64]
            self.note = str(message.get("refusal") or f"'{named}' answers there")[:300]
            self._due = now + 5 * _RETRY_SECONDS
            self.close()
            return None
        sock, self.sock = self.sock, None
        return sock

    def close(self) -> None:
        """Drop the connection; it will be tried again."""
        if self.sock is not None:
            close_quietly(self.sock)
        self.sock = self._reply = None

    def _greet(self) -> None:
        if self.sock is None:
            return
        status = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if status:
            raise OSError(status, "cannot connect")
        self.reached = True
        self.sock = self._security.wrap_client(self.sock, self.greeting.to)
        self.sock.send(_frame(Kind.HELLO, asdict(self.greeting)))
        self.events = selectors.EVENT_READ
        self._reply = SmallFrame(self.sock, self.greeting.to)


class Guest:
    """One connection that somebody made to this node."""

    def __init__(self, sock: socket.socket, security: Security) -> None:
        self.sock = tune(security.wrap_server(sock))
        self.deadline = monotonic() + GUEST_SECONDS
        self._frame = SmallFrame(self.sock, "a stranger")

    def greeting(self) -> Greeting | None:
        """Who this is; None while that has not all arrived. Raises FrameError and PeerGone."""
        message = self._frame.read(Kind.HELLO)
        if message is None:
            return None
        try:
            texts = {key: str(message[key]) for key in ("session", "order", "name", "to")}
            return Greeting(**texts, purpose=Purpose(message["purpose"]))
        except (KeyError, ValueError, TypeError):
            raise FrameError("a stranger sent an unreadable greeting.", "a stranger") from None

    def welcome(self, greeting: Greeting) -> None:
        """Let it in."""
        self._answer({"name": greeting.name})

    def refuse(self, refusal: Refusal) -> None:
        """Turn it away and say why."""
        self._answer({"refusal": refusal})
        self.close()

    def close(self) -> None:
        """Close the connection."""
        close_quietly(self.sock)

    def _answer(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # it has gone; who waits for it will notice
            self.sock.send(_frame(Kind.WELCOME, message))


def _frame(kind: Kind, message: dict[str, Any]) -> bytes:
    payload = json.dumps(message).encode()
    return pack_header(kind, 0, len(payload), 0) + payload
