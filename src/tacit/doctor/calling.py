"""One call to a peer, and how far it came: a name without an address, a closed port, a wrong certificate, a welcome."""

from __future__ import annotations

import errno
import hmac
import json
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic, sleep
from typing import Any

from tacit.doctor.line import Line
from tacit.errors import FrameError
from tacit.runtime.greeting import SmallFrame
from tacit.runtime.lookup import Lookup
from tacit.runtime.rendezvous import Address
from tacit.transport.framing import Kind, pack_header
from tacit.transport.security import Entrance, Security, write_all
from tacit.transport.sockets import PeerGone, close_quietly, tune

PURPOSE = "doctor"
STEP_SECONDS = 5.0
"""How long each step may take: to connect, to shake hands, to be welcomed."""


class Stage(StrEnum):
    """How a call ended; the further it came, the later it stands here."""

    NO_NAME = "name not found"
    UNREACHABLE = "no route"
    NO_ANSWER = "no answer"
    REFUSED = "refused"
    CLOSED = "closed"
    SILENT = "silent"
    NO_TLS = "TLS failed"
    WRONG_CERTIFICATE = "wrong certificate"
    TURNED_AWAY = "turned away"
    WELCOME = "welcome"


_STAGES = list(Stage)


@dataclass
class Call:
    """How far it came. detail: what was seen. line, answer: only of one that was welcomed."""

    stage: Stage
    detail: str = ""
    line: Line | None = None
    answer: dict[str, Any] | None = None


@dataclass(frozen=True)
class Hello:
    """What a caller says: for which session, with which nodes in which order, who it is, whom it wants."""

    session: str = field(repr=False)
    order: str
    name: str
    to: str

    def is_for_session(self, session: str) -> bool:
        """Whether the sessions are the same one."""
        return hmac.compare_digest(self.session.encode(), session.encode())

    def pack(self) -> bytes:
        """The first frame, as that of a session but for its purpose."""
        parts = {"session": self.session, "order": self.order, "name": self.name, "to": self.to, "purpose": PURPOSE}
        return frame(Kind.HELLO, parts)


def call(lookup: Lookup, address: Address, hello: Hello, security: Security, deadline: float) -> Call:
    """Call once at each address that the name has, until one answers; else, the call that came furthest."""
    while not (targets := lookup.found()):
        if lookup.note or monotonic() >= deadline:
            return Call(Stage.NO_NAME, lookup.note or f"the name '{address[0]}' has no address yet")
        sleep(0.05)
    furthest = Call(Stage.NO_NAME)
    for family, target in targets:
        step = min(monotonic() + STEP_SECONDS, deadline)
        sock = tune(socket.socket(family, socket.SOCK_STREAM))
        try:
            found = _connected(sock, target, step) or _greeted(sock, hello, security, deadline)
        except OSError as error:
            found = Call(Stage.UNREACHABLE, error.strerror or "")
        if found.line is None:
            close_quietly(sock)
        if found.line is not None:
            return found
        furthest = max(furthest, found, key=lambda one: _STAGES.index(one.stage))
    return furthest


def frame(kind: Kind, message: dict[str, Any]) -> bytes:
    """A frame of the greeting."""
    payload = json.dumps(message).encode()
    return pack_header(kind, 0, len(payload), 0) + payload


def until(sock: socket.socket, deadline: float, step: Callable[[], Any]) -> Any:
    """Try ``step`` whenever something came, until it gives a result; None at ``deadline``. Raises what it raises."""
    while not (result := step()):
        seconds = deadline - monotonic()
        if seconds <= 0:
            return None
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        poll.poll(min(seconds, 0.25) * 1000)
    return result


def plain(text: object) -> str:
    """Text of a peer that is fit for a terminal."""
    return ascii(str(text)[:300])[1:-1]


def _connected(sock: socket.socket, target: tuple[Any, ...], deadline: float) -> Call | None:
    """None once it is connected."""
    status = sock.connect_ex(target)
    if status == errno.EINPROGRESS:
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        if not poll.poll(max(deadline - monotonic(), 0) * 1000):
            return Call(Stage.NO_ANSWER)
        status = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    match status:
        case 0:
            return None
        case errno.ECONNREFUSED:
            return Call(Stage.REFUSED)
        case errno.ETIMEDOUT:
            return Call(Stage.NO_ANSWER)
    return Call(Stage.UNREACHABLE, errno.errorcode.get(status, ""))


def _greeted(sock: socket.socket, hello: Hello, security: Security, deadline: float) -> Call:
    entrance = security.to(sock, hello.to)
    step = min(monotonic() + STEP_SECONDS, deadline)
    try:
        if not until(sock, step, entrance.ready):
            return Call(Stage.SILENT, "it accepted the connection and never began a TLS handshake")
        write_all(entrance, hello.pack())
        reply = SmallFrame(entrance, hello.to)
        answer = until(sock, step, lambda: reply.read(Kind.WELCOME))
    except (PeerGone, FrameError):
        return _refused(entrance)
    if answer is None:
        return Call(Stage.SILENT, "it did not answer the greeting")
    if answer.get("refusal") or answer.get("name") != hello.to:
        said = answer.get("refusal") or f"it says that it is '{answer.get('name')}'"
        return Call(Stage.TURNED_AWAY, plain(said))
    return Call(Stage.WELCOME, "", Line(entrance.wire(hello.to, PURPOSE, caller=True), hello.to), answer)


def _refused(entrance: Entrance) -> Call:
    if "certificate shown there" in entrance.note:
        return Call(Stage.WRONG_CERTIFICATE, entrance.note)
    return Call(Stage.NO_TLS, entrance.note) if entrance.note else Call(Stage.CLOSED)
