"""What every part of the additive protocol works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakValueDictionary

from torch import Tensor

from tacit.correlations._base import Delivery, Source
from tacit.correlations.requests import Request
from tacit.party import Party
from tacit.settings import Settings
from tacit.transport.channel import Channel


class Disclosed(Protocol):
    """A masked value that is or will be open; ``public`` is None until it is, and where it is not for this party."""

    @property
    def public(self) -> Tensor | None: ...


@dataclass(frozen=True)
class Context:
    """One party's end of a session: who it is, its links, and where its correlated randomness comes from."""

    party: Party
    settings: Settings
    channel: Channel
    source: Source
    _openings: WeakValueDictionary[int, Disclosed] = field(default_factory=WeakValueDictionary, repr=False)

    @property
    def first(self) -> bool:
        """Whether this is the party that adds public constants."""
        return self.party.rank == 0

    def constant(self, value: Tensor) -> Tensor:
        """This party's share of a public value."""
        return value if self.first else value.new_zeros(()).expand(value.shape)

    def new_id(self) -> int:
        """A fresh number for a mask or a request."""
        return self.source.new_id()

    def fetch(self, request: Request) -> Delivery:
        """Ask for correlated randomness; does not wait."""
        return self.source.fetch(request)

    def note(self, mask: int, opening: Disclosed) -> None:
        """Remember, as long as somebody uses it, which opening belongs to a mask of the whole ring."""
        self._openings[mask] = opening

    def known(self, mask: int) -> Tensor | None:
        """What is open under this mask already, flat. Changes nothing but how much can be computed ahead."""
        opening = self._openings.get(mask)
        return None if opening is None else opening.public
