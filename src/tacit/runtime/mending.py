"""Makes new connections in the place of those that broke, while the job waits; and lets peers in that do so.

Who made the connections of a pair makes them again. Each goes on exactly where it broke: both ends say how much of the
other's stream they have, and what comes after that is sent again from where it was kept. Who waits to be called looks
meanwhile whether anybody answers at the other's address, so that a process that ended is told from a cut.
"""

from __future__ import annotations

import hmac
import logging
import selectors
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from time import monotonic

from tacit.errors import FrameError
from tacit.runtime.door import Door, misdirected
from tacit.runtime.greeting import Caller, Greeting, Guest, Purpose, Refusal, Resume
from tacit.settings import Settings
from tacit.transport.control import pack_message, unpack_message
from tacit.transport.failure import Category, Failure
from tacit.transport.framing import Kind
from tacit.transport.lane import Role
from tacit.transport.mending import Links
from tacit.transport.monitor import frozen
from tacit.transport.security import Security
from tacit.transport.sockets import Alarm
from tacit.transport.wire import Wire

log = logging.getLogger(__name__)

REFUSED_SECONDS = 2.0
"""When a peer's host has refused connections for so long, the process has ended."""

_GRACE_SECONDS = 0.1
_FIRST_PROBE_SECONDS = 10.0
_PROBE_SECONDS = 0.5
_SILENT_SECONDS = 2.0
_IDLE_SECONDS = 0.25
_BUSY_SECONDS = 0.05

Address = tuple[str, int]


class LinkMender:
    """Of one node, for all its peers. A thread of its own.

    expected: the peers that make the connections with this node. tokens: what was agreed for each connection when it
    was first made; whoever resumes it has to know.
    """

    def __init__(
        self,
        me: str,
        addresses: Mapping[str, Address | None],
        expected: Collection[str],
        door: Door,
        session: str,
        settings: Settings,
        security: Security,
        tokens: Mapping[tuple[str, Purpose], str],
    ) -> None:
        self.me, self.session, self.order = me, session, ", ".join(addresses)
        self.settings, self.security, self.tokens = settings, security, dict(tokens)
        self.addresses, self.expected = addresses, frozenset(expected)
        self._door = door
        self._bonds: dict[str, Bond] = {}
        self._alarm = Alarm()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="tacit links", daemon=True)

    def begin(self, links: Links) -> None:
        """Begin to look after the links of a session."""
        self._links = links
        self._bonds = {peer: Bond(self, links, peer) for peer in links.peers}
        self._thread.start()

    def look(self) -> None:
        """A connection broke: do something now."""
        self._alarm.ring()

    def broken(self, peer: str, payload: bytes) -> None:
        """A peer says that a connection broke of which this node need not know. Raises FrameError."""
        message = unpack_message(payload, peer)
        purpose, attempt = message.get("purpose"), message.get("attempt")
        if purpose not in list(Purpose) or type(attempt) is not int:
            raise FrameError(f"'{peer}' sent an unreadable control message.", peer)
        self._bonds[peer].broken(Purpose(purpose), attempt)
        self.look()

    def stop(self) -> None:
        """Stop, and let nobody in any more."""
        self._stopped = True
        self.look()
        self._thread.join(2.0)
        self._door.close()
        for bond in self._bonds.values():
            bond.rest()
        self._alarm.close()

    def _run(self) -> None:
        try:
            last = monotonic()
            while not self._stopped:
                now = monotonic()
                self._turn(now, now - last)
                last = now
        except BaseException:
            if self._stopped:  # and not waited for any longer
                return
            text = f"'{self.me}' does not look after its links any more"
            self._links.fail(Failure(self.me, Category.FAILED, self.me, text))
            raise

    def _turn(self, now: float, gap: float) -> None:
        self._door.expire(now)
        for bond in self._bonds.values():
            if self._links.failed:
                bond.rest()
            elif gap > self.settings.heartbeat_timeout / 2:  # this process itself stood still: what it heard is old
                bond.forgive(gap)
            else:
                bond.step(now)
        busy = any(bond.callers() or bond.mending for bond in self._bonds.values())
        try:
            self._wait(_BUSY_SECONDS if busy else _IDLE_SECONDS)
        except FrameError as error:
            text = str(error).rstrip(".")
            self._links.fail(Failure(error.party, Category.BAD_FRAME, self.me, text))

    def _wait(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._alarm.fileno(), selectors.EVENT_READ)
            self._door.watch(selector)
            for bond in self._bonds.values():
                for caller in bond.callers():
                    if caller.sock is not None:
                        selector.register(caller.sock, caller.events, (bond, caller))
            for key, _ in selector.select(seconds):
                match key.data:
                    case None:
                        self._alarm.clear()
                    case Guest() as guest:
                        self._greeted(guest)
                    case (Bond() as bond, Caller() as caller):
                        bond.answered(caller, monotonic())
                    case _:
                        self._door.accept()

    def _greeted(self, guest: Guest) -> None:
        greeting = self._door.hear(guest)
        if greeting is None:
            return
        if refusal := self._judge(greeting):
            guest.refuse(refusal)
        elif greeting.purpose is Purpose.PROBE:
            guest.welcome(self.me, greeting).close()
        elif greeting.resume is not None:
            self._bonds[greeting.name].admit(guest, greeting, greeting.resume)

    def _judge(self, greeting: Greeting) -> Refusal:
        """Why this caller is not let in; empty when it is."""
        if refusal := misdirected(greeting, self.me, self.session, self.order):
            return refusal
        if self._links.failed or greeting.name not in self._bonds:
            return f"'{greeting.name}' is not expected at '{self.me}'"
        if greeting.purpose is Purpose.PROBE:
            return ""
        if greeting.resume is None:
            return f"'{greeting.name}' is connected to '{self.me}' already; is it running twice?"
        if greeting.name not in self.expected:
            return f"'{greeting.name}' is not expected at '{self.me}'"
        return self._bonds[greeting.name].judge(greeting.purpose, greeting.resume)


class Bond:
    """The three connections with one peer: which are missing, since when, and what is done about it."""

    def __init__(self, mender: LinkMender, links: Links, peer: str) -> None:
        self.peer = peer
        self._links = links
        self._me, self._security, self._tokens = mender.me, mender.security, mender.tokens
        self._patience = mender.settings.reconnect_timeout
        self._frozen_after = mender.settings.heartbeat_timeout
        self._address = mender.addresses[peer]
        self._calls = peer not in mender.expected
        self._greeting = Greeting(mender.session, mender.order, mender.me, peer, Purpose.PROBE)
        self._purposes = _purposes(self._calls)
        self._roles = {purpose: role for role, purpose in self._purposes.items()}
        self._attempts = dict.fromkeys(self._roles, 0)
        self._void = dict.fromkeys(self._roles, -1)
        self._told = dict.fromkeys(self._roles, -1)
        self._redials: dict[Role, Redial] = {}
        self._probe: Caller | None = None
        self._probe_due = 0.0
        self._first_probe_until = monotonic() + _FIRST_PROBE_SECONDS
        self._reachable = self._calls
        self._since: float | None = None
        self._deadline = 0.0
        self._announced = False
        if not self._calls and self._address is not None:
            self._probe = Caller(self._greeting, self._address, self._security)  # can it be reached at all?

    @property
    def mending(self) -> bool:
        """Whether a connection is missing."""
        return self._since is not None

    def callers(self) -> Iterable[Caller]:
        """What is under way to the peer."""
        return [*self._redials.values(), *([self._probe] if self._probe is not None else [])]

    def forgive(self, gap: float) -> None:
        """This process itself stood still."""
        self._deadline += gap

    def rest(self) -> None:
        """Try nothing any more."""
        for caller in self.callers():
            caller.close()
        self._redials.clear()
        self._probe = None
        self._since = None

    def step(self, now: float) -> None:
        """See what is missing, and go on with what is under way."""
        if self._links.settled(self.peer):
            return self.rest()
        missing = [role for role in Role if not self._carries(role)]
        if missing:
            return self._mend(missing, now)
        if self._since is not None:
            self._mended(now)
        self._watch(now)
        return None

    def answered(self, caller: Caller, now: float) -> None:
        """Go on with a call whose socket is ready. Raises FrameError for a welcome that cannot be."""
        wire = caller.proceed(now)
        if wire is None:
            return
        if not isinstance(caller, Redial):
            self._reachable, self._probe, self._probe_due = True, None, now + _PROBE_SECONDS
            wire.close()
            return
        del self._redials[caller.role]
        received = caller.answer.get("received")
        if self._void[caller.greeting.purpose] == caller.attempt:
            wire.close()
        elif type(received) is not int:
            raise FrameError(f"'{self.peer}' sent an unreadable greeting.", self.peer)
        else:
            self._links.attach(self.peer, caller.role, wire, received)

    def broken(self, purpose: Purpose, attempt: int) -> None:
        """The peer lost a connection that this node made, at the attempt of that number."""
        if self._calls and purpose in self._roles:
            self._void[purpose] = attempt
            if self._attempts[purpose] == attempt:
                self._links.lane(self.peer, self._roles[purpose]).detach()

    def judge(self, purpose: Purpose, resume: Resume) -> Refusal:
        """Why the peer may not resume a connection; empty when it may."""
        if not hmac.compare_digest(resume.token.encode(), self._tokens[self.peer, purpose].encode()):
            return f"'{self.peer}' does not know the connection that it wants to resume"
        if resume.attempt <= self._attempts[purpose]:
            return "a later attempt came before this one"
        return ""

    def admit(self, guest: Guest, greeting: Greeting, resume: Resume) -> None:
        """Let the peer resume a connection. Raises FrameError for a position that cannot be."""
        role = self._roles[greeting.purpose]
        lane = self._links.lane(self.peer, role)
        lane.detach()  # it may not have been known here that it broke
        self._attempts[greeting.purpose] = resume.attempt
        wire: Wire = guest.welcome(self._me, greeting, received=lane.received)
        self._links.attach(self.peer, role, wire, resume.received)

    def next_attempt(self, purpose: Purpose) -> int:
        """The number of the attempt that begins now."""
        self._attempts[purpose] += 1
        return self._attempts[purpose]

    # ---------------------------------------------------------------- inside

    def _carries(self, role: Role) -> bool:
        lane = self._links.lane(self.peer, role)
        if lane.connected and self._links.signs.dead(self.peer, role, self._calls):
            lane.detach()
        return lane.connected

    def _watch(self, now: float) -> None:
        """All are there: if nothing has been heard for a while, see whether anybody answers, to know in time."""
        if self._links.signs.quiet(self.peer) > self._frozen_after / 2:
            self._look(now)
        elif self._probe is not None and (self._reachable or now > self._first_probe_until):
            self._probe.close()
            self._probe = None
        elif self._probe is not None:
            self._probe.start_if_due(now)

    def _look(self, now: float) -> None:
        if self._probe is None and self._reachable and self._address is not None and now >= self._probe_due:
            self._probe = Caller(self._greeting, self._address, self._security)
        if self._probe is not None:
            if self._is_stale(self._probe, now):
                self._probe.close()
            self._probe.start_if_due(now)

    def _mend(self, missing: list[Role], now: float) -> None:
        if self._since is None:
            self._since, self._deadline = now, now + self._patience
        if now < self._since + _GRACE_SECONDS:
            return  # an abort or a goodbye may explain it
        if not self._announced and not self._peer_is_busy():
            self._announced = True
            what = "dialling again" if self._calls else "waiting for it to dial again"
            log.warning("the link to '%s' is gone; %s (up to %g s)", self.peer, what, self._patience)
        for role in Role:
            if not self._calls and role in missing:
                self._tell(role)
            elif role in missing:
                self._redial(role, now)
            elif role in self._redials:
                self._redials.pop(role).close()
        if not self._calls or self._probe is not None:
            self._look(now)
        self._decide(now)

    def _tell(self, role: Role) -> None:
        """The peer has to dial again, and may not know."""
        purpose = self._purposes[role]
        attempt = self._attempts[purpose]
        if role is not Role.CONTROL and self._told[purpose] != attempt:
            self._told[purpose] = attempt
            self._links.tell(self.peer, Kind.BROKEN, pack_message(purpose=purpose, attempt=attempt))

    def _redial(self, role: Role, now: float) -> None:
        if self._address is None:
            return
        if role not in self._redials:
            self._redials[role] = Redial(self, self._links, role, self._purpose_greeting(role), self._address)
        self._redials[role].start_if_due(now)

    def _purpose_greeting(self, role: Role) -> Greeting:
        return replace(self._greeting, purpose=self._purposes[role])

    def token(self, purpose: Purpose) -> str:
        """What the peer said when the connection was first made."""
        return self._tokens[self.peer, purpose]

    @property
    def security(self) -> Security:
        """What protects the connections."""
        return self._security

    def _mended(self, now: float) -> None:
        if self._announced and self._since is not None:
            log.warning("the link to '%s' is back after %.1f s", self.peer, now - self._since)
        self._since, self._announced = None, False

    def _peer_is_busy(self) -> bool:
        """Whether its native thread beats and its interpreter says nothing."""
        signs = self._links.signs
        return signs.quiet(self.peer) < self._frozen_after / 2 and signs.wordless(self.peer) > self._frozen_after

    def _decide(self, now: float) -> None:
        """Whether to go on waiting for the peer."""
        quiet = self._links.signs.quiet(self.peer)
        refused = [c for c in self.callers() if c.refused_since is not None]
        silent = [c for c in self.callers() if c.silence(now) >= min(_SILENT_SECONDS, self._frozen_after / 2)]
        if silent and self._peer_is_busy():
            self._deadline = max(self._deadline, now + self._patience)
        if quiet > self._frozen_after and any(not self._is_stale(c, now) for c in silent):
            self._give_up(frozen(self.peer, self._me, self._frozen_after))
        elif quiet > REFUSED_SECONDS / 2 and any(now - (c.refused_since or now) >= REFUSED_SECONDS for c in refused):
            host, port = self._address or ("", 0)
            why = refused[0].note or f"nobody listens at {host}:{port} any more"
            self._lost(f"the link to '{self.peer}' was lost and its process has ended: {why}")
        elif now >= self._deadline:
            gone = now - (self._since or now)
            what = f"nobody answered at {self._address[0]}:{self._address[1]}" if self._address else ""
            what = what if self._calls else "it did not dial again"
            self._lost(f"the link to '{self.peer}' was gone for {gone:.0f} s: {what} (reconnect_timeout)")

    def _is_stale(self, caller: Caller, now: float) -> bool:
        """Whether the call was taken before the peer was last heard of, so that its silence says nothing."""
        return caller.taken is not None and caller.taken < now - self._links.signs.quiet(self.peer)

    def _lost(self, detail: str) -> None:
        self._give_up(Failure(self.peer, Category.LOST, self._me, detail))

    def _give_up(self, failure: Failure) -> None:
        if self._links.complete(self.peer):
            self._links.settle(self.peer)  # it has finished, and will never know that this node has too
        else:
            self._links.fail(failure)
        self.rest()


class Redial(Caller):
    """One connection that is made in the place of another, tried again until it is welcomed."""

    def __init__(self, bond: Bond, links: Links, role: Role, greeting: Greeting, address: Address) -> None:
        super().__init__(greeting, address, bond.security)
        self.role = role
        self.attempt = -1
        self._bond, self._lane = bond, links.lane(bond.peer, role)

    def hello(self) -> Greeting:
        """What this attempt begins with: its number, and from where on the peer has to send."""
        purpose = self.greeting.purpose
        self.attempt = self._bond.next_attempt(purpose)
        return replace(self.greeting, resume=Resume(self._bond.token(purpose), self.attempt, self._lane.received))


def _purposes(calls: bool) -> dict[Role, Purpose]:
    """What the connections are called between the two: forth is from who calls."""
    there, back = (Purpose.FORTH, Purpose.BACK) if calls else (Purpose.BACK, Purpose.FORTH)
    return {Role.OUTGOING: there, Role.INCOMING: back, Role.CONTROL: Purpose.CONTROL}
