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
from tacit.runtime.lookup import Lookup
from tacit.transport.framing import HEADER_BYTES, Kind, pack_header, unpack_header
from tacit.transport.security import Entrance, Security, write_all
from tacit.transport.sockets import PeerGone, close_quietly, tune
from tacit.transport.wire import Wire

MAX_GREETING_BYTES = 4096
GUEST_SECONDS = 2.0
"""How long a new connection may take to say who it is."""

CONNECT_SECONDS = 5.0
"""How long one attempt to connect and be welcomed may take: a name may have several addresses."""

_RETRY_SECONDS = 0.1

Refusal = str


class Purpose(StrEnum):
    """What a connection is for: data from the caller, data to the caller, control; or to see who answers."""

    FORTH = "forth"
    BACK = "back"
    CONTROL = "control"
    PROBE = "probe"


LASTING = (Purpose.FORTH, Purpose.BACK, Purpose.CONTROL)
"""The connections that a pair of nodes has."""


@dataclass(frozen=True)
class Resume:
    """A connection takes the place of one that broke.

    token: what the other end said when the first was made. attempt: a number that rises, so that what was long under
    way is not taken for new. received: the position in the other end's stream from which on to send.
    """

    token: str = field(repr=False)
    attempt: int
    received: int


@dataclass(frozen=True)
class Greeting:
    """Who comes to whom, for which session and what for. ``order``: all nodes by rank, as the sender lists them."""

    session: str = field(repr=False)
    order: str
    name: str
    to: str
    purpose: Purpose
    resume: Resume | None = None

    def is_for_session(self, session: str) -> bool:
        """Whether the sessions are the same one."""
        return hmac.compare_digest(self.session.encode(), session.encode())


class SmallFrame:
    """Reads exactly one frame of at most 4 KiB, and not a byte of the next one."""

    def __init__(self, entrance: Entrance, peer: str) -> None:
        self._entrance, self._peer = entrance, peer
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
            count = self._entrance.read_some(memoryview(chunk))
            if count == 0:
                return False
            self._data += chunk[:count]
        return True


class Caller:
    """One connection that this node makes, tried again until it is welcomed.

    ``reached`` tells whether anything ever answered at the address; ``note`` says why the call was refused; ``answer``
    is what came with the welcome. refused_since: since when all attempts have been refused, by the host or whoever
    answers there. taken: when the host took the call that is under way.
    """

    def __init__(self, greeting: Greeting, address: tuple[str, int], security: Security) -> None:
        self.greeting, self.address = greeting, address
        self.sock: socket.socket | None = None
        self.events = selectors.EVENT_WRITE
        self.reached = False
        self.note = ""
        self.answer: dict[str, Any] = {}
        self.refused_since: float | None = None
        self.taken: float | None = None
        self._stirred: float | None = None
        self._security = security
        self._entrance: Entrance | None = None
        self._reply: SmallFrame | None = None
        self._due = self._patience = 0.0
        self._attempts = 0
        self._lookup = Lookup(address)

    def hello(self) -> Greeting:
        """What this attempt begins with."""
        return self.greeting

    def silence(self, now: float) -> float:
        """For how many seconds somebody has taken the call and said nothing."""
        return 0.0 if self._stirred is None else now - self._stirred

    def start_if_due(self, now: float) -> None:
        """Begin to connect unless that is under way."""
        if self.sock is not None and now > self._patience:
            self.refused_since = None
            self.close()
        if self.sock is not None or now < self._due:
            return
        self._due = now + _RETRY_SECONDS
        self._security.check_address(self.address[0])
        targets = self._lookup.found()
        self.note = self._lookup.note or self.note
        if not targets:
            return
        family, address = targets[self._attempts % len(targets)]
        self._attempts += 1
        self._patience = now + CONNECT_SECONDS
        self.sock = tune(socket.socket(family, socket.SOCK_STREAM))
        self.events = selectors.EVENT_WRITE
        try:
            status = self.sock.connect_ex(address)
        except OSError:
            status = errno.EHOSTUNREACH
        if status not in (0, errno.EINPROGRESS):
            self._failed(status, now)
            self.close()

    def proceed(self, now: float) -> Wire | None:
        """Go on after the socket became ready; returns the wire once the other end has said welcome."""
        self._stirred = now
        try:
            if self._entrance is None:
                self._connected()
                self.taken = now
            if self._entrance is None or not self._entrance.ready():
                return None
            if self._reply is None:
                write_all(self._entrance, _frame(Kind.HELLO, asdict(self.hello())))
                self._reply = SmallFrame(self._entrance, self.greeting.to)
            message = self._reply.read(Kind.WELCOME)
        except (OSError, PeerGone, FrameError) as error:
            if getattr(error, "errno", None) == errno.ECONNREFUSED:
                self.note = ""  # who said something there before is gone
            self._failed(getattr(error, "errno", None), now)
            if self._entrance is not None and self._entrance.note:
                self.note = f"at {self._where()}: {self._entrance.note}"
                self._due = now + 5 * _RETRY_SECONDS
            self.close()
            return None
        if message is None:
            return None
        if message.get("refusal") or message.get("name") != self.greeting.to:
            named = str(message.get("name"))[:64]
            self.note = str(message.get("refusal") or f"'{named}' answers there")[:300]
            self._due = now + 5 * _RETRY_SECONDS
            self._failed(errno.ECONNREFUSED, now)
            self.close()
            return None
        self.answer = message
        wire = self._entrance.wire(self.greeting.to, self.greeting.purpose, caller=True)
        self.sock = None
        return wire

    def close(self) -> None:
        """Drop the connection; it will be tried again."""
        if self.sock is not None:
            close_quietly(self.sock)
        self.sock = self._entrance = self._reply = self._stirred = self.taken = None

    def _failed(self, status: int | None, now: float) -> None:
        if status != errno.ECONNREFUSED:
            self.refused_since = None
        elif self.refused_since is None:
            self.refused_since = now

    def _connected(self) -> None:
        if self.sock is None:
            return
        status = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if status:
            raise OSError(status, "cannot connect")
        self.reached = True
        self.events = selectors.EVENT_READ
        self._entrance = self._security.to(self.sock, self.greeting.to)

    def _where(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"


class Guest:
    """One connection that somebody made to this node."""

    def __init__(self, sock: socket.socket, security: Security) -> None:
        self.sock = tune(sock)
        self.deadline = monotonic() + GUEST_SECONDS
        self._entrance = security.of_stranger(self.sock)
        self._frame = SmallFrame(self._entrance, "a stranger")

    def greeting(self) -> Greeting | None:
        """Who this is; None while that has not all arrived. Raises FrameError and PeerGone."""
        message = self._frame.read(Kind.HELLO) if self._entrance.ready() else None
        if message is None:
            return None
        try:
            texts = {key: str(message[key]) for key in ("session", "order", "name", "to")}
            greeting = Greeting(**texts, purpose=Purpose(message["purpose"]), resume=_resume(message.get("resume")))
        except (KeyError, ValueError, TypeError):
            raise FrameError("a stranger sent an unreadable greeting.", "a stranger") from None
        if not self._entrance.is_from(greeting.name):
            raise FrameError(f"somebody with another certificate says it is '{greeting.name[:64]}'.", "a stranger")
        return greeting

    def welcome(self, me: str, greeting: Greeting, **more: str | int) -> Wire:
        """Let it in, and say who is here and what ``more`` there is to say."""
        self._answer({"name": me, **more})
        return self._entrance.wire(greeting.name, greeting.purpose, caller=False)

    def refuse(self, refusal: Refusal) -> None:
        """Turn it away and say why."""
        self._answer({"refusal": refusal})
        self.close()

    def close(self) -> None:
        """Close the connection."""
        close_quietly(self.sock)

    def _answer(self, message: dict[str, Any]) -> None:
        with suppress(PeerGone):  # who waits for it will notice
            write_all(self._entrance, _frame(Kind.WELCOME, message))


def _resume(message: Any) -> Resume | None:
    if message is None:
        return None
    resume = Resume(str(message["token"]), message["attempt"], message["received"])
    if not all(type(number) is int and number >= 0 for number in (resume.attempt, resume.received)):
        raise ValueError
    return resume


def _frame(kind: Kind, message: dict[str, Any]) -> bytes:
    payload = json.dumps(message).encode()
    return pack_header(kind, 0, len(payload), 0) + payload
