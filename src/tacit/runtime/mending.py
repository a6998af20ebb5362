"""Makes new connections in the place of those that broke, while the job waits; and lets peers in that do so.

Who made the connections of a pair makes them again. Each goes on exactly where it broke: both ends say how much of the
other's stream they have, and what comes after that is sent again from where it was kept. Who waits to be called looks
meanwhile whether anybody answers at the other's address, so that a process that ended is told from a cut.
"""

from __future__ import annotations

import selectors
import threading
from time import monotonic

from tacit.errors import FrameError
from tacit.runtime.bond import Bond, Terms
from tacit.runtime.door import Door, misdirected
from tacit.runtime.greeting import Caller, Greeting, Guest, Purpose, Refusal
from tacit.transport.control import unpack_message
from tacit.transport.failure import Category, Failure
from tacit.transport.mending import Links
from tacit.transport.sockets import Alarm

_IDLE_SECONDS = 0.25
_BUSY_SECONDS = 0.05


class LinkMender:
    """Of one node, for all its peers. A thread of its own."""

    def __init__(self, terms: Terms, door: Door) -> None:
        self.terms = terms
        self._door = door
        self._bonds: dict[str, Bond] = {}
        self._alarm = Alarm()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="tacit links", daemon=True)

    def begin(self, links: Links) -> None:
        """Begin to look after the links of a session."""
        self._links = links
        self._bonds = {peer: Bond(self.terms, links, peer) for peer in links.peers}
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
            me = self.terms.me
            text = f"'{me}' does not look after its links any more"
            self._links.fail(Failure(me, Category.FAILED, me, text))
            raise

    def _turn(self, now: float, gap: float) -> None:
        self._door.expire(now)
        for bond in self._bonds.values():
            if self._links.failed:
                bond.rest()
            elif (
                gap > self.terms.settings.heartbeat_timeout / 2
            ):  # this process itself stood still: what it heard is old
                bond.forgive(gap)
            else:
                bond.step(now)
        busy = any(bond.callers() or bond.mending for bond in self._bonds.values())
        try:
            self._wait(_BUSY_SECONDS if busy else _IDLE_SECONDS)
        except FrameError as error:
            text = str(error).rstrip(".")
            self._links.fail(Failure(error.party, Category.BAD_FRAME, self.terms.me, text))

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
            guest.welcome(self.terms.me, greeting).close()
        elif greeting.resume is not None:
            self._bonds[greeting.name].admit(guest, greeting, greeting.resume)

    def _judge(self, greeting: Greeting) -> Refusal:
        """Why this caller is not let in; empty when it is."""
        me = self.terms.me
        if refusal := misdirected(greeting, me, self.terms.session, self.terms.order):
            return refusal
        if self._links.failed:
            return f"the session has ended at '{me}'"
        if greeting.name not in self._bonds:
            return f"'{greeting.name}' is not expected at '{me}'"
        if greeting.purpose is Purpose.PROBE:
            return ""
        if greeting.resume is None:
            return f"'{greeting.name}' is connected to '{me}' already; is it running twice?"
        if greeting.name not in self.terms.expected:
            return f"'{greeting.name}' is not expected at '{me}'"
        return self._bonds[greeting.name].judge(greeting.purpose, greeting.resume)
