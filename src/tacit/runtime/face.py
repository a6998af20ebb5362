"""The public face: the functions that read the current session."""

from __future__ import annotations

from tacit.party import Party
from tacit.profile import Ledger, Recording
from tacit.runtime.launcher import run
from tacit.runtime.session import current

__all__ = ["ledger", "party", "profile", "run"]


def party() -> Party:
    """Who this program runs as: ``.name``, ``.rank``, ``.names``, ``.world_size``."""
    return current().party


def profile() -> Recording:
    """A context that records what a stretch of the program costs: ``with tacit.profile() as p``, then ``p.table()``."""
    session = current()
    return Recording(session.meter, session.party)


def ledger() -> Ledger:
    """Every reveal so far: what shape, to whom, from which line of user code."""
    return current().ledger


# secret() and reveal() stand here: they are the tensor layer's.
