"""The connections with one peer, after all have met: which are missing, since when, and what is done about it."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic

from tacit.errors import FrameError
from tacit.runtime.greeting import Caller, Greeting, Guest, Purpose, Refusal, Resume
from tacit.settings import Settings
from tacit.transport.control import pack_message
from tacit.transport.failure import Category, Failure
from tacit.transport.framing import Kind
from tacit.transport.lane import Role
from tacit.transport.mending import Links
from tacit.transport.monitor import frozen
from tacit.transport.security import Security

log = logging.getLogger(__name__)

REFUSED_SECONDS = 2.0
"""When a peer's host has refused connections for so long, the process has ended."""

FIRST_PROBE_SECONDS = 10.0
"""For how long it is tried, when the session begins, whether a peer that dials this node can be dialled too."""

_GRACE_SECONDS = 0.1
_PROBE_SECONDS = 0.5
_SILENT_SECONDS = 2.0

Address = tuple[str, int]


@dataclass(frozen=True)
class Terms:
    """What a node knows of its session, once all have met.

    order: all nodes by rank. expected: the peers that make the connections with this node. tokens: what was agreed for
    each connection when it was first made; whoever resumes it has to know.
    """

    me: str
    session: str = field(repr=False)
    order: str
    addresses: Mapping[str, Address | None]
    expected: Collection[str]
    settings: Settings
    security: Security
    tokens: Mapping[tuple[str, Purpose], str] = field(repr=False)


class Bond:
    """The three connections with one peer: which are missing, since when, and what is done about it."""

    def __init__(self, terms: Terms, links: Links, peer: str) -> None:
        self.peer = peer
        self._links = links
        self._me, self._security, self._tokens = terms.me, terms.security, terms.tokens
        self._patience = terms.settings.reconnect_timeout
        self._frozen_after = terms.settings.heartbeat_timeout
        self._address = terms.addresses[peer]
        self._calls = peer not in terms.expected
        self._greeting = Greeting(terms.session, terms.order, terms.me, peer, Purpose.PROBE)
        self._purposes = _purposes(self._calls)
        self._roles = {purpose: role for role, purpose in self._purposes.items()}
        self._attempts = dict.fromkeys(self._roles, 0)
        self._void = dict.fromkeys(self._roles, -1)
        self._told = dict.fromkeys(self._roles, -1)
        self._redials: dict[Role, Redial] = {}
        self._probe: Caller | None = None
        self._probe_due = 0.0
        self._first_probe_until = monotonic() + FIRST_PROBE_SECONDS
        self._reachable = self._calls
        self._since: float | None = None
        self._deadline = 0.0
        self._announced = self._fell_silent = False
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
        wire = guest.welcome(self._me, greeting, received=lane.received)
        self._links.attach(self.peer, role, wire, resume.received)

    # ---------------------------------------------------------------- inside

    def _carries(self, role: Role) -> bool:
        lane, signs = self._links.lane(self.peer, role), self._links.signs
        if lane.connected and signs.dead(self.peer, role, self._calls):
            if self._since is None:  # it is what was noticed first
                self._fell_silent = signs.quiet(self.peer) > self._frozen_after
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
            greeting = replace(self._greeting, purpose=self._purposes[role])
            self._redials[role] = Redial(role, greeting, self._address, self._security, self._resume)
        self._redials[role].start_if_due(now)

    def _resume(self, role: Role) -> Resume:
        """What the next attempt begins with: its number, and from where on the peer has to send."""
        purpose = self._purposes[role]
        self._attempts[purpose] += 1
        received = self._links.lane(self.peer, role).received
        return Resume(self._tokens[self.peer, purpose], self._attempts[purpose], received)

    def _mended(self, now: float) -> None:
        if self._announced and self._since is not None:
            log.warning("the link to '%s' is back after %.1f s", self.peer, now - self._since)
        self._since, self._announced, self._fell_silent = None, False, False

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
        if self._fell_silent and any(not self._is_stale(c, now) for c in silent):
            # After a reset its silence may have another reason: its interpreter is busy, and beats cannot be heard.
            self._give_up(frozen(self.peer, self._me, self._frozen_after))
        elif quiet > REFUSED_SECONDS / 2 and any(now - (c.refused_since or now) >= REFUSED_SECONDS for c in refused):
            host, port = self._address or ("", 0)
            why = f" and its process has ended: nobody listens at {host}:{port} any more"
            told = refused[0].note
            self._lost(f"the link to '{self.peer}' was lost{f': {told}' if told else why}")
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

    def __init__(
        self,
        role: Role,
        greeting: Greeting,
        address: Address,
        security: Security,
        resume: Callable[[Role], Resume],
    ) -> None:
        super().__init__(greeting, address, security)
        self.role = role
        self.attempt = -1
        self._resume = resume

    def hello(self) -> Greeting:
        """A greeting that no attempt before had."""
        resume = self._resume(self.role)
        self.attempt = resume.attempt
        return replace(self.greeting, resume=resume)


def _purposes(calls: bool) -> dict[Role, Purpose]:
    """What the connections are called between the two: forth is from who calls."""
    there, back = (Purpose.FORTH, Purpose.BACK) if calls else (Purpose.BACK, Purpose.FORTH)
    return {Role.OUTGOING: there, Role.INCOMING: back, Role.CONTROL: Purpose.CONTROL}
