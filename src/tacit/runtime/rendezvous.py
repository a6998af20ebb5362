"""How the nodes of a session find each other: every pair gets its three connections, strangers are turned away.

Of each pair, the node of higher rank connects, the other one listens; a node that cannot listen connects to all others.
All connections to a node, of whatever kind, come to its one port. Each connection opens with a HELLO frame that
says who comes, to whom, for which session and what for; a WELCOME frame answers. Everything runs in one loop.
"""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Mapping
from time import monotonic

from tacit.errors import HandshakeError, LinkError, MisuseError
from tacit.operation.observer import Observer
from tacit.runtime.bond import Terms
from tacit.runtime.door import Door, misdirected
from tacit.runtime.greeting import LASTING, Caller, Greeting, Guest, Purpose, Refusal
from tacit.runtime.mending import LinkMender
from tacit.settings import Settings
from tacit.transport.control import ControlLink, pack_failure, unpack_failure
from tacit.transport.failure import Category, Failure, blame
from tacit.transport.framing import Kind
from tacit.transport.security import PlainLoopback, Security, is_loopback
from tacit.transport.sockets import PeerGone
from tacit.transport.tcp import TcpTransport, Wires
from tacit.transport.wire import Wire

Address = tuple[str, int]
"""Host (a name or a number) and port."""

Addresses = Mapping[str, Address | None]
"""Where nodes are, in order of rank; None of one that can only connect to others."""

_TICK_SECONDS = 0.05
_BEAT_SECONDS = 0.5
_TOKEN_BYTES = 16


def listen(address: Address, security: Security | None = None) -> socket.socket:
    """A listening socket at ``address`` (port 0: any free one; host "": every interface). Raises OSError if taken."""
    host, port = address
    (security or PlainLoopback()).check_address(host)
    if host:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server(address, family=family, backlog=128)
    elif socket.has_dualstack_ipv6():
        listener = socket.create_server(("::", port), family=socket.AF_INET6, backlog=128, dualstack_ipv6=True)
    else:
        listener = socket.create_server(("", port), backlog=128)
    listener.setblocking(False)
    return listener


def calls(me: str, peer: str, addresses: Addresses) -> bool:
    """Whether, of the two, ``me`` connects. Raises MisuseError if neither can listen."""
    names = list(addresses)
    if addresses[peer] is not None and addresses[me] is not None:
        return names.index(me) > names.index(peer)
    if addresses[peer] is None and addresses[me] is None:
        raise MisuseError(f"neither '{me}' nor '{peer}' can listen, so they cannot meet: one of them needs an address.")
    return addresses[peer] is not None


def meet(
    me: str,
    addresses: Addresses,
    listener: socket.socket | None,
    session: str,
    settings: Settings,
    security: Security | None = None,
    observer: Observer | None = None,
) -> TcpTransport:
    """Connect node ``me`` with all other nodes of ``addresses``, which lists them in order of rank.

    listener: None if no node connects to this one; it is closed in the end, which is that of the session when broken
    links are to be mended. observer: sees who comes. Raises LinkError, naming who is missing, after
    ``settings.connect_timeout`` seconds.
    """
    meeting = _Meeting(me, addresses, listener, session, settings, security or PlainLoopback(), observer)
    try:
        return meeting.hold()
    except BaseException as error:
        meeting.leave(error)
        raise


class _Meeting:
    def __init__(
        self,
        me: str,
        addresses: Addresses,
        listener: socket.socket | None,
        session: str,
        settings: Settings,
        security: Security,
        observer: Observer | None,
    ) -> None:
        self.me, self.addresses, self.session = me, addresses, session
        self.settings, self.security, self.observer = settings, security, observer
        self.told = False
        self.peers = [name for name in addresses if name != me]
        self.order = ", ".join(addresses)
        called = {peer: at for peer, at in addresses.items() if at and peer != me and calls(me, peer, addresses)}
        self.callers = [
            Caller(Greeting(session, self.order, me, peer, purpose), address, security)
            for peer, address in called.items()
            for purpose in LASTING
        ]
        self.expected = set(self.peers) - set(called)
        self.door = Door(listener, security)
        self.lasting = settings.reconnect_timeout > 0
        self.tokens: dict[tuple[str, Purpose], str] = {}
        self.made: dict[tuple[str, Purpose], Wire] = {}
        self.controls: dict[str, ControlLink] = {}
        self.notes: dict[str, str] = {}

    def hold(self) -> TcpTransport:
        deadline = monotonic() + self.settings.connect_timeout
        beat = 0.0
        while missing := self.missing():
            now = monotonic()
            if now >= deadline:
                self.give_up(missing)
            if now >= beat:
                beat = now + _BEAT_SECONDS
                for control in self.controls.values():
                    control.post(Kind.HEARTBEAT)  # those who have met everybody already must not think us frozen
            self.call(now)
            self.wait(_TICK_SECONDS)
        here = all(at is not None and is_loopback(at[0]) for at in self.addresses.values())
        return TcpTransport(self.me, self.wires(), self.settings.heartbeat_timeout, here, self.mender())

    def mender(self) -> LinkMender | None:
        """Who looks after the links from now on, and at the door."""
        if not self.lasting:
            self.door.close()
            return None
        known = self.me, self.session, self.order, self.addresses, self.expected
        return LinkMender(Terms(*known, self.settings, self.security, self.tokens), self.door)

    def missing(self) -> list[str]:
        return [peer for peer in self.peers if any((peer, purpose) not in self.made for purpose in LASTING)]

    def wires(self) -> dict[str, Wires]:
        wires = {}
        for peer in self.peers:
            mine, theirs = Purpose.FORTH, Purpose.BACK
            if peer in self.expected:
                mine, theirs = theirs, mine
            wires[peer] = Wires(self.made[peer, mine], self.made[peer, theirs], self.controls[peer])
        return wires

    def call(self, now: float) -> None:
        for caller in self.callers:
            caller.start_if_due(now)
        self.door.expire(now)

    def wait(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            self.door.watch(selector)
            for caller in self.callers:
                if caller.sock is not None:
                    selector.register(caller.sock, caller.events, caller)
            for control in self.controls.values():
                if control.wire is not None:
                    selector.register(control.wire, selectors.EVENT_READ, control)
            for key, _ in selector.select(seconds):
                match key.data:
                    case Caller() as caller:
                        self.answered(caller)
                    case Guest() as guest:
                        self.greeted(guest)
                    case ControlLink() as control:
                        self.listen_to(control)
                    case _:
                        self.door.accept()

    def answered(self, caller: Caller) -> None:
        wire = caller.proceed(monotonic())
        if wire is not None:
            self.callers.remove(caller)
            self.connected(caller.greeting.to, caller.greeting.purpose, wire, str(caller.answer.get("token")))
        elif caller.note:
            self.notes[caller.greeting.to] = caller.note

    def greeted(self, guest: Guest) -> None:
        greeting = self.door.hear(guest)
        if greeting is None:
            return
        refusal = self.judge(greeting)
        if greeting.purpose is Purpose.PROBE and not refusal:
            guest.welcome(self.me, greeting).close()
            return
        if refusal:
            if greeting.name in self.addresses:
                self.notes[greeting.name] = refusal
            guest.refuse(refusal)
            return
        token = os.urandom(_TOKEN_BYTES).hex()
        wire = guest.welcome(self.me, greeting, token=token)
        self.connected(greeting.name, greeting.purpose, wire, token)

    def judge(self, greeting: Greeting) -> Refusal:
        """Why this caller is not let in; empty when it is."""
        if refusal := misdirected(greeting, self.me, self.session, self.order):
            return refusal
        if greeting.purpose is Purpose.PROBE and greeting.name in self.addresses:
            return ""
        if greeting.name not in self.expected:
            return f"'{greeting.name}' is not expected at '{self.me}'"
        if (greeting.name, greeting.purpose) in self.made:
            return f"'{greeting.name}' is connected to '{self.me}' already; is it running twice?"
        return ""

    def connected(self, peer: str, purpose: Purpose, wire: Wire, token: str) -> None:
        self.made[peer, purpose] = wire
        self.tokens[peer, purpose] = token
        if purpose is Purpose.CONTROL:
            self.controls[peer] = ControlLink(wire, peer, self.lasting)
        if self.observer is not None and peer not in self.missing():
            self.observer.connected(peer, wire.peer_address(), not isinstance(self.security, PlainLoopback))

    def listen_to(self, control: ControlLink) -> None:
        """A peer that is connected already may give up, or get lost, before all others are there."""
        try:
            for kind, payload in control.frames():
                if kind is Kind.ABORT:
                    self.fail(unpack_failure(payload, control.peer, self.addresses))
        except PeerGone:
            self.fail(Failure(control.peer, Category.LOST, self.me))

    def give_up(self, missing: list[str]) -> None:
        names = " and ".join(f"'{peer}'" for peer in missing)
        seconds = self.settings.connect_timeout
        text = f"{names} did not join the session within {seconds:g} s"
        silent = [f"{host}:{port}" for host, port in {c.address: 0 for c in self.callers if not c.reached}]
        if silent:
            text += f"; nobody answered at {', '.join(silent)}"
        if self.door.strangers:
            text += (
                f"; {self.door.strangers} connections from strangers (not Tacit, or not saying who) were turned away"
            )
        notes = [self.notes[peer] for peer in missing if peer in self.notes]
        self.tell(Failure(missing[0], Category.HANDSHAKE if notes else Category.MISSING, self.me))
        if notes:
            raise HandshakeError(f"{text}; {'; '.join(notes)}.", missing[0])
        raise LinkError(f"{text}. Was it started, with the same configuration?", missing[0])

    def fail(self, failure: Failure) -> None:
        self.tell(failure)
        raise failure.error(self.me)

    def tell(self, failure: Failure) -> None:
        self.told = True
        for control in self.controls.values():
            control.post(Kind.ABORT, pack_failure(failure))
            control.flush(0.2)

    def leave(self, error: BaseException) -> None:
        if not self.told:  # this node's own affair: the others would take it for lost
            self.tell(Failure(*blame(error, self.me), self.me))
        for caller in self.callers:
            caller.close()
        self.door.close()
        for wire in self.made.values():
            wire.close()
