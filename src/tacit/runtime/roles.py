"""Which nodes a session has. Apart, so that a cluster can be read and looked at without PyTorch."""

from __future__ import annotations

from tacit.party import DEALER
from tacit.settings import Settings


def needs_dealer(settings: Settings) -> bool:
    """Whether a run with ``settings`` has a dealer."""
    return settings.protocol != "plaintext" and settings.randomness == "dealer"


def nodes(names: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """The names of all nodes in order of rank: the parties, then the dealer if there is one."""
    return (*names, DEALER) if needs_dealer(settings) else names
