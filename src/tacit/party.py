"""Who takes part in a session."""

from __future__ import annotations

from dataclasses import dataclass

DEALER = "dealer"


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
