"""One party's session as a value, and the one ambient thing: which session is current."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

from tacit.correlations import Source
from tacit.disclosure.oversight import Overseer
from tacit.errors import LedgerError, MisuseError
from tacit.party import Party
from tacit.profile import Ledger, Meter
from tacit.protocols._base import Protocol
from tacit.settings import Settings
from tacit.transport._base import Transport
from tacit.transport.channel import Channel


@dataclass
class Session:
    """Everything that one party computes with. Prints no seed and no share."""

    party: Party
    settings: Settings
    transport: Transport = field(repr=False)
    channel: Channel = field(repr=False)
    protocol: Protocol = field(repr=False)
    source: Source | None = field(repr=False)
    meter: Meter = field(repr=False)
    ledger: Ledger = field(repr=False, default_factory=Ledger)
    overseer: Overseer | None = field(repr=False, default=None)

    def close(self) -> None:
        """End the session in good order: nothing more is asked of the dealer, all say goodbye to each other.

        With the goodbye goes the head of this party's ledger, so that each knows how the others' must end.
        """
        if self.source is not None:
            self.source.close()
        if self.overseer is None:
            self.transport.close()
            return
        self.transport.farewell = self.overseer.head
        self.transport.close()
        self.overseer.ended({name: self.transport.farewells.get(name, "") for name in self.party.names})

    def abandon(self) -> None:
        """Let go of what the session holds on this machine, after a failure. The transport is closed apart."""
        if self.source is not None:
            self.source.abandon()
        if self.overseer is not None:
            with suppress(LedgerError):  # a ledger without an end tells as much
                self.overseer.failed()


_current: ContextVar[Session] = ContextVar("tacit_session")


def current() -> Session:
    """The session of the running job. Raises MisuseError outside of one."""
    session = _current.get(None)
    if session is None:
        raise MisuseError(
            "there is no session here: party(), secret(), reveal(), profile() and ledger() work inside a function "
            'that tacit.run(job, parties=["lab", "clinic"]) runs, and on its thread.'
        )
    return session


def enter(session: Session) -> None:
    """Make ``session`` the current one of this thread."""
    _current.set(session)
