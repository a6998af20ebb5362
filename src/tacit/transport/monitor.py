"""The thread that watches a node's control connections, whatever its other threads do."""

from __future__ import annotations

import selectors
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Protocol

from tacit.errors import FrameError
from tacit.transport._base import FAREWELL_LENGTH, Witness
from tacit.transport.control import ControlLink, unpack_failure, unpack_message
from tacit.transport.failure import Category, Failure
from tacit.transport.framing import Kind
from tacit.transport.outbox import Outbox
from tacit.transport.signs import Signs
from tacit.transport.sockets import Alarm, PeerGone
from tacit.transport.wire import ForgedError

GRACE_SECONDS = 0.3
"""How long after a connection ended a better explanation (an abort, a goodbye) may still arrive."""

DIVERGENCE_SECONDS = 1.0
_TICK_SECONDS = 0.1
_WAITS = struct.Struct("<?QQ")


def beat_seconds(timeout: float) -> float:
    """How often to give a sign of life to those who wait ``timeout`` seconds for one."""
    return min(1.0, timeout / 4)


class Watched(Protocol):
    """What the monitor asks of the transport that it watches, and tells it."""

    name: str
    peers: tuple[str, ...]
    witness: Witness | None
    waits_for: str | None

    def fail(self, failure: Failure) -> None:
        """End everything, unless something else did before."""

    def departed(self, peer: str, sent: int, farewell: str = "") -> None:
        """Take note that ``peer`` said goodbye, and ``farewell``, after sending ``sent`` data frames."""

    def has_departed(self, peer: str) -> bool:
        """Whether ``peer`` said goodbye."""

    def frames_to(self, peer: str) -> int:
        """How many data frames were sent to ``peer``."""

    def frames_from(self, peer: str) -> int:
        """How many data frames were received from ``peer``."""

    def broke(self, peer: str, forged: ForgedError | None = None) -> None:
        """A connection with ``peer`` ended, or carried what the peer did not send."""

    def acknowledge(self, peer: str) -> None:
        """Tell ``peer`` how much arrived from it."""

    def acknowledged(self, peer: str, payload: bytes) -> None:
        """The answer to that."""

    def peer_broke(self, peer: str, payload: bytes) -> None:
        """``peer`` says that a connection ended."""


class Monitor:
    """Sends heartbeats, expects them or a pulse, and turns what it sees into the transport's failure.

    A heartbeat says how far the sender is in its program, and whether it waits for the receiver: so two parties that
    run different programs find out although neither sends the other anything. It is late when the sender's interpreter
    is busy; ``pulses``, the connections on which each peer's native thread beats, then say that the peer is alive.
    lasting: links may break and be mended, so who is silent is not judged here.
    """

    def __init__(
        self,
        transport: Watched,
        links: Mapping[str, ControlLink],
        pulses: Mapping[str, Outbox],
        timeout: float,
        lasting: bool = False,
    ) -> None:
        self._transport = transport
        self._links = dict(links)
        self._pulses = dict(pulses)
        self._timeout = timeout
        self._interval = beat_seconds(timeout)
        self._lasting = lasting
        self._renewed = False
        self.signs = Signs(links, timeout)
        self._suspects: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._hearsay: Failure | None = None
        self._idle: dict[str, bytes] = {}
        self._alarm = Alarm()
        self._stopped = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="tacit monitor", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; returns when the thread has ended."""
        self._stopped = True
        self._alarm.ring()
        self._thread.join(2.0)
        self._alarm.close()

    def suspect(self, peer: str) -> None:
        """A connection with ``peer`` ended: unless an abort or goodbye explains it within the grace, it is lost."""
        with self._lock:
            self._suspects.setdefault(peer, monotonic() + GRACE_SECONDS)
        self._alarm.ring()

    def ask_history(self, peer: str) -> None:
        """Send ``peer`` our history, once; its own, in answer, tells where the two programs part."""
        witness = self._transport.witness
        with self._lock:
            if peer in self._asked:
                return
            self._asked[peer] = monotonic() + DIVERGENCE_SECONDS
        self._links[peer].post(Kind.DIVERGENCE, witness.history() if witness is not None else b"[]")

    def rewire(self) -> None:
        """Some connections are others now."""
        self._renewed = True
        self._alarm.ring()

    def _run(self) -> None:
        self._next_beat, self._last = 0.0, monotonic()
        while not self._stopped:
            self._renewed = False
            with selectors.DefaultSelector() as selector:
                selector.register(self._alarm.fileno(), selectors.EVENT_READ)
                for link in self._links.values():
                    _watch(selector, link, link)
                for peer, outbox in self._pulses.items():
                    _watch(selector, outbox, peer)
                while not self._stopped and not self._renewed:
                    self._turn(selector)

    def _turn(self, selector: selectors.BaseSelector) -> None:
        ready = selector.select(_TICK_SECONDS)
        now = monotonic()
        if now - self._last > self._timeout / 2:  # this process itself stood still
            self.signs.forgive(now - self._last)
        self._last = now
        for key, _ in ready:
            if key.data is None:
                self._alarm.clear()
            elif not self._read(key.data):
                selector.unregister(key.fileobj)
        if now >= self._next_beat:
            self._next_beat = now + self._interval
            self._beat()
        self._judge(now)

    def _read(self, source: ControlLink | str) -> bool:
        """Take what arrived on a control link, or the pulses of a peer; whether to go on listening there."""
        if isinstance(source, ControlLink):
            return self._read_frames(source)
        outbox = self._pulses[source]
        try:
            if outbox.felt():
                self.signs.beat(source)
        except PeerGone:
            return False  # its control link says why
        except ForgedError as error:
            self._transport.broke(source, error)
            return False
        return True

    def _read_frames(self, link: ControlLink) -> bool:
        try:
            for kind, payload in link.frames():
                self.signs.word(link.peer)
                self._handle(link.peer, kind, payload)
        except PeerGone:
            self._transport.broke(link.peer)
            return False
        except ForgedError as error:
            self._transport.broke(link.peer, error)
            return False
        except FrameError as error:
            self._refuse(link.peer, error)
            return False
        return True

    def _refuse(self, peer: str, error: FrameError) -> None:
        self._transport.fail(Failure(peer, Category.BAD_FRAME, self._transport.name, str(error).rstrip(".")))

    def _handle(self, peer: str, kind: Kind, payload: bytes) -> None:
        transport = self._transport
        if kind is Kind.HEARTBEAT:
            self._compare(peer, payload)
        elif kind is Kind.ABORT:
            self._heard_of(unpack_failure(payload, peer, (transport.name, *transport.peers)))
        elif kind is Kind.GOODBYE:
            message = unpack_message(payload, peer)
            sent, farewell = message.get("sent"), message.get("farewell")
            said = farewell[:FAREWELL_LENGTH] if isinstance(farewell, str) else ""
            transport.departed(peer, sent if isinstance(sent, int) else 0, said)
            transport.acknowledge(peer)
        elif kind is Kind.RECEIVED:
            transport.acknowledged(peer, payload)
        elif kind is Kind.BROKEN:
            transport.peer_broke(peer, payload)
        elif kind is Kind.DIVERGENCE:
            self.ask_history(peer)
            witness = transport.witness
            detail = witness.explain(peer, payload) if witness is not None else ""
            transport.fail(Failure(peer, Category.DIVERGED, transport.name, detail))
        else:
            raise FrameError(f"'{peer}' sent a {kind.name} frame inside a session.", peer)

    def _heard_of(self, failure: Failure) -> None:
        """Somebody's failure, perhaps by way of a third party and so ahead of a history that is on its way here.

        The history says where the programs part, and "they do not run the same program" would come first: it waits.
        """
        if failure.category is Category.DIVERGED and self._asked:
            self._hearsay = self._hearsay or failure
        else:
            self._transport.fail(failure)

    def _beat(self) -> None:
        for peer, link in self._links.items():
            if link.connected:
                link.flush()
                link.post(Kind.HEARTBEAT, self._state(peer))
                self._transport.acknowledge(peer)

    def _state(self, peer: str) -> bytes:
        witness, transport = self._transport.witness, self._transport
        if witness is None or peer not in witness.peers:
            return b""
        waits = transport.waits_for == peer
        return _WAITS.pack(waits, transport.frames_from(peer), transport.frames_to(peer)) + witness.position()

    def _compare(self, peer: str, payload: bytes) -> None:
        witness, transport = self._transport.witness, self._transport
        if len(payload) <= _WAITS.size or witness is None or peer not in witness.peers:
            return
        waits, received, sent = _WAITS.unpack_from(payload)
        mutual = waits and transport.waits_for == peer
        mutual = mutual and received == transport.frames_to(peer) and sent == transport.frames_from(peer)
        stuck = mutual and self._idle.get(peer) == payload
        self._idle[peer] = payload if mutual else b""
        if stuck or witness.differs(payload[_WAITS.size :]):
            self.ask_history(peer)

    def _judge(self, now: float) -> None:
        transport, me = self._transport, self._transport.name
        with self._lock:
            due = [peer for peer, deadline in self._suspects.items() if now >= deadline]
            silent = [peer for peer, deadline in self._asked.items() if now >= deadline]
        for peer in due:
            if not transport.has_departed(peer):
                transport.fail(Failure(peer, Category.LOST, me))
        for peer in silent:
            transport.fail(self._hearsay or Failure(peer, Category.DIVERGED, me))
        for peer in () if self._lasting else transport.peers:
            silent_here = self.signs.quiet(peer) > self._timeout and peer not in self._suspects
            if silent_here and not transport.has_departed(peer):
                transport.fail(frozen(peer, me, self._timeout))


def frozen(peer: str, me: str, timeout: float) -> Failure:
    """What is said of a peer that gives no sign of life."""
    return Failure(peer, Category.FROZEN, me, f"'{peer}' is frozen: no heartbeat from it for {timeout:g} s")


def _watch(selector: selectors.BaseSelector, lane: ControlLink | Outbox, data: ControlLink | str) -> None:
    wire = lane.wire
    if wire is not None:
        with suppress(ValueError, OSError):  # it was closed just now
            selector.register(wire, selectors.EVENT_READ, data)
