"""Who takes part in a session."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tacit.errors import MisuseError

DEALER = "dealer"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True)
class Party:
    """One participant as it sees itself: its name, its rank and everybody's names in order of rank."""

    name: str
    rank: int
    names: tuple[str, ...]

    @property
    def world_size(self) -> int:
        """How many parties compute (the dealer is not one of them)."""
        return len(self.names)

    def others(self) -> tuple[int, ...]:
        """The ranks of all other parties, ascending."""
        return tuple(rank for rank in range(self.world_size) if rank != self.rank)


def check_name(name: str) -> None:
    """Raise MisuseError if no party can have this name."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MisuseError(f"{name!r} cannot name a party: use 1 to 63 letters, digits, '_', '-' and '.'.")
    if name == DEALER:
        raise MisuseError(f"'{DEALER}' is the dealer's name; a party needs another one.")


def check_names(parties: Sequence[str]) -> tuple[str, ...]:
    """The names of a session's parties, checked. Raises MisuseError."""
    if isinstance(parties, str):
        raise MisuseError(f'parties must be a list of names such as ["lab", "clinic"], got the text {parties!r}.')
    names = tuple(parties)
    for name in names:
        check_name(name)
    if len(set(names)) != len(names):
        raise MisuseError(f"parties {', '.join(names)} have a name twice.")
    if len(names) < 2:
        raise MisuseError("a session needs at least two parties.")
    return names
