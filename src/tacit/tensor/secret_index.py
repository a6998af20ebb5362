"""The index of a largest element: known as the matches that it won, and made into a number only when one is needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tacit.functions.choice import choose
from tacit.functions.pooling import Pooling, pool_index
from tacit.functions.tournament import Tournament, index_of_best
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.secret import Secret


@dataclass(eq=False)
class Numbers(ABC):
    """Secret whole numbers that cost something to compute: done once, when they are used."""

    share: Share | None = field(default=None, init=False)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Their shape, which is known before."""

    def materialized(self, protocol: Protocol) -> Share:
        """The numbers as a share."""
        if self.share is None:
            self.share = self._computed(protocol)
        return self.share

    @abstractmethod
    def _computed(self, protocol: Protocol) -> Share:
        """Compute them."""


@dataclass(eq=False)
class Winners(Numbers):
    """Where each winner of a tournament along the last dimension stood: a round for each level."""

    tournament: Tournament

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the winners."""
        return self.tournament.best.shape

    def _computed(self, protocol: Protocol) -> Share:
        return index_of_best(protocol, self.tournament, torch.arange(self.tournament.size))


@dataclass(eq=False)
class Pooled(Numbers):
    """Where the winner of each window stood. rectified: pooling came before a ReLU, which makes all losers equal."""

    pooling: Pooling
    rectified: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the winners."""
        return self.pooling.best.shape

    def _computed(self, protocol: Protocol) -> Share:
        index = pool_index(protocol, self.pooling)
        if not self.rectified:
            return index
        windows = self.pooling.windows
        first = protocol.public(windows.positions()[:, 0].view(windows.places).expand(index.shape), 0)
        return choose(protocol, protocol.positive(self.pooling.best), index, first)


class SecretIndex(Secret):
    """An int64 secret behind a tournament. Gradients follow the matches and never need the number."""

    _numbers: Numbers
    _views: tuple[Callable[[Tensor], Tensor], ...]

    @staticmethod
    def __new__(
        cls, protocol: Protocol, numbers: Numbers, views: tuple[Callable[[Tensor], Tensor], ...] = ()
    ) -> SecretIndex:
        outline = torch.empty(numbers.shape, dtype=torch.int64, device="meta")
        for view in views:
            outline = view(outline)
        out: SecretIndex = torch.Tensor._make_wrapper_subclass(
            cls, outline.shape, outline.stride(), outline.storage_offset(), dtype=torch.int64
        )
        out._protocol = protocol
        out._numbers = numbers
        out._views = views
        return out

    @property
    def _share(self) -> Share:
        share = self._numbers.materialized(self._protocol)
        for view in self._views:
            share = share.view(view)
        return share

    @property
    def _tournament(self) -> Tournament | None:
        """The tournament of whose winners these are the places, if there is one."""
        return self._numbers.tournament if isinstance(self._numbers, Winners) else None

    def viewed(self, function: Callable[[Tensor], Tensor]) -> SecretIndex:
        """A view that remembers the tournament too."""
        return SecretIndex(self._protocol, self._numbers, (*self._views, function))

    def aliased(self) -> SecretIndex:
        """The same index as another tensor."""
        return SecretIndex(self._protocol, self._numbers, self._views)
