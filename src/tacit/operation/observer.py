"""One node as its operator sees it: what happens is told to the log, how it stands is kept for status and metrics."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from tacit.errors import LinkError, OperatorStop, PeerError
from tacit.operation import signals
from tacit.operation.events import Event, tell
from tacit.party import DEALER
from tacit.transport.failure import Category, blame

if TYPE_CHECKING:
    from tacit.correlations.dealer import Dealer
    from tacit.profile import Ledger, Meter, Reveal
    from tacit.transport._base import Transport
    from tacit.transport.transcript import Transcript

_LOST = (Category.LOST, Category.FROZEN, Category.MISSING)
_NOTICES = ((1.0, logging.DEBUG), (10.0, logging.INFO), (60.0, logging.WARNING))
"""After how long a wait is told, and at which level."""


class State(StrEnum):
    """How far a node is."""

    CONNECTING = "connecting"
    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Connected:
    """A peer whose connections are all there."""

    address: str
    tls: bool
    since: float = field(default_factory=time)


@dataclass(frozen=True)
class Wait:
    """For whom the node waits, and since when (``monotonic()``)."""

    peers: tuple[str, ...]
    since: float


class Observer:
    """What is to be seen of the node ``name``. The node calls it; other threads may read it at any time.

    It holds the session's counters, transport and dealer only to read numbers from, and never changes them.
    """

    def __init__(
        self, name: str, peers: Iterable[str], session: str, heartbeat_timeout: float, job: str | None = None
    ) -> None:
        self.name, self.peers, self.session, self.job = name, tuple(peers), session, job
        self.heartbeat_timeout = heartbeat_timeout
        self.state = State.CONNECTING
        self.started, self.begin = time(), monotonic()
        self.begun_at: float | None = None
        self.connections: dict[str, Connected] = {}
        self.reveals: Counter[str] = Counter()
        self.transport: Transport | None = None
        self.meter: Meter | None = None
        self.transcript: Transcript | None = None
        self.dealer: Dealer | None = None
        self._noticed: tuple[Wait, int] | None = None
        role = "dealer" if name == DEALER else "party"
        self._tell(logging.INFO, Event.STARTED, role=role, peers=list(self.peers), job=job)

    def __repr__(self) -> str:
        return f"<observer of {self.name}, {self.state}>"

    # ---------------------------------------------------------------- called by the node

    def listening(self, address: tuple[Any, ...]) -> None:
        """It listens there."""
        self._tell(logging.INFO, Event.LISTENING, address=shown(address))

    def serving(self, what: str, where: str) -> None:
        """It offers its operator something there."""
        self._tell(logging.INFO, Event.SERVING, what=what, address=where)

    def connected(self, peer: str, address: tuple[Any, ...] | str, tls: bool) -> None:
        """All connections with ``peer`` are there."""
        self.connections[peer] = found = Connected(shown(address), tls)
        self._tell(logging.INFO, Event.CONNECTED, peer=peer, address=found.address, tls=tls)

    def joined(self, transport: Transport) -> None:
        """All connections with all peers are there."""
        self.transport = transport

    def begun(self, meter: Meter, transcript: Transcript, ledger: Ledger) -> None:
        """All agree: the job begins."""
        self.meter, self.transcript = meter, transcript
        ledger.watch.append(self._revealed)
        self._begun()

    def dealing(self, dealer: Dealer) -> None:
        """All agree: the dealer waits for requests."""
        self.dealer = dealer
        self._begun()

    def ended(self) -> None:
        """The session ended in good order."""
        self.state = State.ENDED
        self._tell(logging.INFO, Event.ENDED, outcome="ended", **self._totals())

    def failed(self, error: BaseException) -> None:
        """It ended because of ``error``. Told of a job's own error: its type; a text of the job may hold anything."""
        if signum := signals.asked():
            error = OperatorStop(signum)  # whatever came of it: the others may have heard of it before the program did
        party, category = blame(error, self.name)
        stopped = isinstance(error, OperatorStop)
        self.state = State.STOPPED if stopped else State.FAILED
        if category in _LOST:
            self._tell(logging.WARNING, Event.LOST, peer=party, reason=str(error))
        fields = {"kind": type(error).__name__, "party": party}
        if isinstance(error, LinkError | PeerError | OperatorStop):
            fields["message"] = str(error)
        level = logging.WARNING if stopped else logging.ERROR
        self._tell(level, Event.ENDED, outcome=str(self.state), **fields, **self._totals())

    # ---------------------------------------------------------------- for other threads

    def waiting(self) -> Wait | None:
        """For whom it waits now."""
        if self.state is State.CONNECTING and self.transport is None:
            missing = tuple(peer for peer in self.peers if peer not in self.connections)
            return Wait(missing, self.begin) if missing else None
        found = self.transport.waiting() if self.transport is not None and self.live else None
        return Wait((found[0],), found[1]) if found is not None else None

    @property
    def live(self) -> bool:
        """Whether its session has not ended."""
        return self.state in (State.CONNECTING, State.RUNNING)

    def notice_wait(self) -> None:
        """Tell of a wait that has become long, once for each length. A dealer waits whenever nothing is asked of it."""
        wait = self.waiting()
        if wait is None:
            self._noticed = None
            return
        done = self._noticed[1] if self._noticed is not None and self._noticed[0] == wait else 0
        seconds = monotonic() - wait.since
        due = [level for length, level in _NOTICES if seconds >= length]
        if len(due) > done:
            self._noticed = wait, len(due)
            idle = self.dealer is not None
            since = iso(time() - seconds)
            level = logging.DEBUG if idle else due[-1]
            self._tell(level, Event.WAITING, peers=list(wait.peers), since=since, seconds=round(seconds, 1))

    def abort(self) -> None:
        """Tell the others that the operator stopped this node, from a thread of its own. Never raises."""
        with suppress(Exception):
            if self.transport is not None and self.live:
                self.transport.abort(self.name, Category.STOPPED)

    # ---------------------------------------------------------------- inside

    def _begun(self) -> None:
        self.state, self.begun_at = State.RUNNING, time()
        self._tell(logging.INFO, Event.BEGUN, peers=list(self.peers))

    def _revealed(self, reveal: Reveal) -> None:
        self.reveals.update(reveal.to)
        shape = "x".join(map(str, reveal.shape)) or "scalar"
        self._tell(logging.INFO, Event.REVEALED, shape=shape, type=reveal.dtype, to=list(reveal.to), line=reveal.line)

    def _totals(self) -> dict[str, float]:
        sent = received = 0
        if self.transport is not None:
            sent, received = self.transport.statistics.bytes_sent, self.transport.statistics.bytes_received
        totals = {"mb_sent": sent / 1e6, "mb_received": received / 1e6, "seconds": monotonic() - self.begin}
        rounds = {"rounds": self.meter.rounds} if self.meter is not None else {}
        return rounds | {key: round(value, 3) for key, value in totals.items()}

    def _tell(self, level: int, event: Event, **fields: Any) -> None:
        tell(level, event, self.name, self.session, **fields)


def shown(address: tuple[Any, ...] | str) -> str:
    """A socket's address as text."""
    if isinstance(address, str):
        return address
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def iso(seconds: float) -> str:
    """A time as ``time()`` gives it, in UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
