"""The transport over TCP: two data connections for each pair of nodes, one each way, and one for control."""

from __future__ import annotations

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
from tacit.transport.inbox import Inbox
from tacit.transport.monitor import DIVERGENCE_SECONDS, GRACE_SECONDS, Monitor, beat_seconds
from tacit.transport.outbox import Outbox
from tacit.transport.pulse import Pulse
from tacit.transport.sockets import Alarm, PeerGone
from tacit.transport.statistics import Statistics
from tacit.transport.wire import Wire

_FLUSH_SECONDS = 0.5
_POLL_SECONDS = 0.25


@dataclass
class Wires:
    """The three connections with one peer, already greeted and non-blocking (see ``tacit.runtime.rendezvous``).

    Frames go one way on each data connection; pulses go the other.
    """

    outgoing: Wire
    incoming: Wire
    control: ControlLink


class TcpTransport(Transport):
    """One node's end of its connections with all peers. ``heartbeat_timeout`` in seconds."""

    def __init__(self, name: str, wires: Mapping[str, Wires], heartbeat_timeout: float, loopback: bool = True) -> None:
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
        self._controls = {peer: wire.control for peer, wire in wires.items()}
        pulses = {peer: wire.outgoing for peer, wire in wires.items()}
        self._monitor = Monitor(self, self._controls, pulses, heartbeat_timeout)
        self._outboxes = {peer: self._outbox(peer, wire.outgoing) for peer, wire in wires.items()}
        self._inboxes = {peer: self._inbox(peer, wire.incoming) for peer, wire in wires.items()}
        self._monitor.start()
        self._pulse = Pulse([wire.incoming for wire in wires.values()], beat_seconds(heartbeat_timeout))

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
        return self._monitor.heard()

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

    # ---------------------------------------------------------------- inside

    def _outbox(self, peer: str, wire: Wire) -> Outbox:
        return Outbox(wire, peer, lambda: self._monitor.suspect(peer))

    def _inbox(self, peer: str, wire: Wire) -> Inbox:
        return Inbox(wire, peer, self._alarm.fileno(), lambda idle: self._check_waiting(peer, idle))

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
        with self._changed:
            while self._failure is None and not self._departed.keys() >= set(self.peers):
                self._changed.wait(_POLL_SECONDS)

    def _release(self) -> None:
        deadline = monotonic() + _FLUSH_SECONDS
        for link in self._controls.values():
            link.flush(max(0.0, deadline - monotonic()))
        self._pulse.stop()
        self._monitor.stop()
        for peer in self.peers:
            self._outboxes[peer].close()
            self._inboxes[peer].close()
            self._controls[peer].close()
        self._alarm.close()
