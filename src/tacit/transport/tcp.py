"""The transport over TCP: two data connections for each pair of nodes, one each way, and one for control."""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn

from tacit.errors import FrameError, InternalError, Refusal
from tacit.transport._base import Accept, Transport, Witness
from tacit.transport.control import ControlLink, pack_failure, pack_message
from tacit.transport.failure import Category, Failure, PeerFinishedError, category_of
from tacit.transport.framing import HEADER_BYTES, Kind, check_tag, pack_header
from tacit.transport.inbox import Inbox, Lasting
from tacit.transport.lane import Lane, Role
from tacit.transport.mending import Mender
from tacit.transport.monitor import DIVERGENCE_SECONDS, GRACE_SECONDS, Monitor, beat_seconds
from tacit.transport.outbox import Outbox
from tacit.transport.pulse import Pulse
from tacit.transport.signs import Signs
from tacit.transport.sockets import Alarm, PeerGone
from tacit.transport.statistics import Statistics
from tacit.transport.wire import ForgedError, Wire

MAX_FORGED = 8
"""Connections with one peer that may be given up because somebody on the way changed what they carry."""

_FLUSH_SECONDS = 0.5
_POLL_SECONDS = 0.25
_RECEIVED = struct.Struct("<QQQ?")


@dataclass
class Wires:
    """The three connections with one peer, already greeted and non-blocking (see ``tacit.runtime.rendezvous``).

    Frames go one way on each data connection; pulses go the other.
    """

    outgoing: Wire
    incoming: Wire
    control: ControlLink


class TcpTransport(Transport):
    """One node's end of its connections with all peers. ``heartbeat_timeout`` in seconds.

    mender: makes other connections in the place of those that break; without it, the first that does ends the session.
    """

    def __init__(
        self,
        name: str,
        wires: Mapping[str, Wires],
        heartbeat_timeout: float,
        loopback: bool = True,
        mender: Mender | None = None,
    ) -> None:
        self.name = name
        self.peers = tuple(wires)
        self.statistics = Statistics()
        self.loopback = loopback
        self.witness: Witness | None = None
        self.farewell = ""
        self.farewells: dict[str, str] = {}
        self.waits_for: str | None = None
        self._changed = threading.Condition()
        self._failure: Failure | None = None
        self._departed: dict[str, int] = {}
        self._closed = False
        self._sent = dict.fromkeys(wires, 0)
        self._alarm = Alarm()
        self._mender = mender
        self._goodbyes: dict[str, int] = {}
        self._settled: set[str] = set()
        self._forged = dict.fromkeys(wires, 0)
        self._interval = beat_seconds(heartbeat_timeout)
        self._controls = {peer: wire.control for peer, wire in wires.items()}
        self._outboxes = {peer: self._outbox(peer, wire.outgoing) for peer, wire in wires.items()}
        self._inboxes = {peer: self._inbox(peer, wire.incoming) for peer, wire in wires.items()}
        self._monitor = Monitor(self, self._controls, self._outboxes, heartbeat_timeout, mender is not None)
        self.signs: Signs = self._monitor.signs
        self._monitor.start()
        self._pulses = {peer: Pulse([wire.incoming], self._interval) for peer, wire in wires.items()}
        if mender is not None:
            mender.begin(self)

    def send(self, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        check_tag(tag)
        self._check_open()
        if peer in self._departed:
            raise PeerFinishedError(f"'{peer}' has finished while '{self.name}' still sends to it.", peer)
        length = sum(part.nbytes for part in payload)
        header = pack_header(Kind.DATA, len(tag), length, self._sent[peer])
        self._sent[peer] += 1
        self._outboxes[peer].send([memoryview(header + tag), *payload])
        self.statistics.link(peer).sent(length, HEADER_BYTES + len(tag))

    def receive(self, peer: str, accept: Accept) -> None:
        self._check_open()
        self.waits_for = peer
        try:
            payload, overhead = self._inboxes[peer].receive(accept)
        except PeerGone:
            self._explain_loss(peer)
        except FrameError as error:
            # Also raised by ``accept``; either way nothing more can be read from this peer.
            self.fail(Failure(error.party, Category.BAD_FRAME, self.name, str(error).rstrip(".")))
            raise
        finally:
            self.waits_for = None
        self.statistics.link(peer).received(payload, overhead)

    def backlog(self, peer: str, at_most: int) -> None:
        self._outboxes[peer].wait_until(at_most, lambda: self._failure is not None or peer in self._departed)
        self._check_open()

    def report_divergence(self, peer: str) -> NoReturn:
        self._monitor.ask_history(peer)
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None, 2 * DIVERGENCE_SECONDS)
        self.fail(Failure(peer, Category.DIVERGED, self.name))
        self._check_open()
        raise InternalError("a divergence was reported on a closed transport.")

    def abort(self, culprit: str, reason: str, refusal: Refusal | None = None) -> None:
        self.fail(Failure(culprit, category_of(reason), self.name, refusal=refusal))

    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._closed = True
        try:
            if self._failure is None:
                self._say_goodbye()
        finally:
            failure = self._failure
            self._release()
        if failure is not None:
            raise failure.error(self.name)

    def waiting(self) -> tuple[str, float] | None:
        peer = self.waits_for
        since = self._inboxes[peer].waiting_since if peer is not None else 0.0
        return (peer, since) if peer is not None and since else None

    def waited(self) -> dict[str, float]:
        return {peer: inbox.waited for peer, inbox in self._inboxes.items()}

    def heard(self) -> dict[str, float]:
        return self._monitor.signs.heard()

    # ---------------------------------------------------------------- for the monitor

    def fail(self, failure: Failure) -> None:
        """Let the first failure end everything here, and pass it on: not everyone may have a link to who saw it."""
        with self._changed:
            if self._failure is not None:
                return
            self._failure = failure
            self._changed.notify_all()
        self._alarm.ring()
        for peer, link in self._controls.items():
            told = failure.told(self.name, peer, self.witness)
            if told is not None:
                link.post(Kind.ABORT, pack_failure(told))

    def departed(self, peer: str, sent: int, farewell: str = "") -> None:
        """``peer`` said goodbye, and ``farewell``, after sending us ``sent`` data frames."""
        with self._changed:
            self.farewells[peer] = farewell
            self._departed[peer] = sent
            self._changed.notify_all()

    def has_departed(self, peer: str) -> bool:
        """Whether ``peer`` said goodbye."""
        return peer in self._departed

    def frames_to(self, peer: str) -> int:
        """How many data frames were sent to ``peer``."""
        return self._sent[peer]

    def frames_from(self, peer: str) -> int:
        """How many data frames were received from ``peer``."""
        return self._inboxes[peer].frames

    def broke(self, peer: str, forged: ForgedError | None = None) -> None:
        """A connection with ``peer`` ended; forged: because it carried what the peer did not send."""
        if forged is not None:
            self._forged[peer] += 1
            if self._mender is None or self._forged[peer] > MAX_FORGED:
                self.fail(Failure(peer, Category.BAD_FRAME, self.name, str(forged).rstrip(".")))
        if self._mender is None:
            self._monitor.suspect(peer)
        else:
            self._mender.look()

    def acknowledge(self, peer: str) -> None:
        """Tell ``peer`` how much arrived from it, and whether this node waits for more; it need not keep that."""
        link, inbox = self._controls[peer], self._inboxes[peer]
        if self._mender is not None and link.connected:
            numbers = inbox.received, inbox.arrived, link.received, self.waits_for == peer
            link.post(Kind.RECEIVED, _RECEIVED.pack(*numbers))

    def acknowledged(self, peer: str, payload: bytes) -> None:
        """``peer`` tells how much arrived there."""
        if len(payload) != _RECEIVED.size:
            raise FrameError(f"'{peer}' sent an unreadable control message.", peer)
        received, arrived, control, waits = _RECEIVED.unpack(payload)
        outbox, link = self._outboxes[peer], self._controls[peer]
        outbox.acknowledged(received)
        link.acknowledged(control)
        self.signs.progress(peer, Role.OUTGOING, arrived, waits and outbox.sent > received)
        self.signs.progress(peer, Role.CONTROL, control, link.sent > control)
        if peer in self._goodbyes:
            with self._changed:
                self._changed.notify_all()

    def peer_broke(self, peer: str, payload: bytes) -> None:
        """``peer`` says that a connection broke."""
        if self._mender is not None:
            self._mender.broken(peer, payload)

    # ---------------------------------------------------------------- for the mender

    @property
    def failed(self) -> bool:
        """Whether the session has ended because of a failure."""
        return self._failure is not None

    def lane(self, peer: str, role: Role) -> Lane:
        """One stream with a peer."""
        lanes: dict[Role, Mapping[str, Lane]] = {Role.OUTGOING: self._outboxes, Role.INCOMING: self._inboxes}
        return lanes.get(role, self._controls)[peer]

    def attach(self, peer: str, role: Role, wire: Wire, delivered: int) -> None:
        """A stream goes on over another connection. Raises FrameError for a position that cannot be."""
        self.signs.renewed(peer, role)
        try:
            self.lane(peer, role).attach(wire, delivered)
        except FrameError:
            wire.close()
            raise
        if role is Role.INCOMING:
            self._pulses[peer].stop()
            self._pulses[peer] = Pulse([wire], self._interval)
        else:
            self._monitor.rewire()

    def tell(self, peer: str, kind: Kind, payload: bytes) -> None:
        """Post a frame on the control connection."""
        self._controls[peer].post(kind, payload)

    def complete(self, peer: str) -> bool:
        """Whether everything from ``peer`` is here, its goodbye included."""
        return peer in self._departed and self._inboxes[peer].frames >= self._departed[peer]

    def settled(self, peer: str) -> bool:
        """Whether each has the other's goodbye, and knows it: their connections may end."""
        if self._mender is None or peer in self._settled:
            return True
        position = self._goodbyes.get(peer)
        return position is not None and peer in self._departed and self._controls[peer].delivered >= position

    def settle(self, peer: str) -> None:
        """``peer`` is complete and out of reach: it counts as settled."""
        with self._changed:
            self._settled.add(peer)
            self._changed.notify_all()

    # ---------------------------------------------------------------- inside

    def _outbox(self, peer: str, wire: Wire) -> Outbox:
        return Outbox(wire, peer, lambda: self.broke(peer), self._mender is not None)

    def _inbox(self, peer: str, wire: Wire) -> Inbox:
        def check(idle: bool) -> None:
            self._check_waiting(peer, idle)

        lasting = None
        if self._mender is not None:
            lasting = Lasting(
                lambda: self.broke(peer), lambda error: self.broke(peer, error), lambda: self.acknowledge(peer)
            )
        return Inbox(wire, peer, self._alarm.fileno(), check, lasting)

    def _check_waiting(self, peer: str, idle: bool) -> None:
        self._check_open()
        if idle and peer in self._departed and self._inboxes[peer].frames >= self._departed[peer]:
            raise PeerFinishedError(f"'{peer}' has finished while '{self.name}' still waits for it.", peer)

    def _explain_loss(self, peer: str) -> NoReturn:
        """The connection ended: wait for the monitor to know why, then raise that."""
        self._monitor.suspect(peer)
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or peer in self._departed, 4 * GRACE_SECONDS)
        self._check_waiting(peer, True)
        failure = Failure(peer, Category.LOST, self.name)
        self.fail(failure)
        raise failure.error(self.name)

    def _check_open(self) -> None:
        if self._failure is not None:
            raise self._failure.error(self.name)
        if self._closed:
            raise InternalError(f"the transport of '{self.name}' is used after it was closed.")

    def _say_goodbye(self) -> None:
        for peer, outbox in self._outboxes.items():
            outbox.wait_until(0, lambda peer=peer: self._failure is not None or peer in self._departed)  # type: ignore[misc]
        for peer, link in self._controls.items():
            link.post(Kind.GOODBYE, pack_message(sent=self._sent[peer], farewell=self.farewell))
            self._goodbyes[peer] = link.posted
        with self._changed:
            while self._failure is None and not all(self._parted(peer) for peer in self.peers):
                self._changed.wait(_POLL_SECONDS)

    def _parted(self, peer: str) -> bool:
        return peer in self._departed and self.settled(peer)

    def _release(self) -> None:
        deadline = monotonic() + _FLUSH_SECONDS
        for link in self._controls.values():
            link.flush(max(0.0, deadline - monotonic()))
        if self._mender is not None:
            self._mender.stop()
        for pulse in self._pulses.values():
            pulse.stop()
        self._monitor.stop()
        for peer in self.peers:
            self._outboxes[peer].close()
            self._inboxes[peer].close()
            self._controls[peer].close()
        self._alarm.close()
