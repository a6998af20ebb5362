"""The index of a largest element: known as the matches that it won, and made into a number only when one is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.functions.tournament import Tournament, index_of_best
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.secret import Secret


@dataclass(eq=False)
class Winners:
    """Where an index comes from: a tournament along the last dimension and the public label of each entry."""

    tournament: Tournament
    labels: Tensor
    share: Share | None = None

    def materialized(self, protocol: Protocol) -> Share:
        """The labels of the winners as a share, computed once: a round for each level of the tournament."""
        if self.share is None:
            self.share = index_of_best(protocol, self.tournament, self.labels)
        return self.share


class SecretIndex(Secret):
    """An int64 secret behind a tournament. Gradients follow the matches and never need the number."""

    _winners: Winners
    _views: tuple[Callable[[Tensor], Tensor], ...]

    @staticmethod
    def __new__(
        cls, protocol: Protocol, winners: Winners, views: tuple[Callable[[Tensor], Tensor], ...] = ()
    ) -> SecretIndex:
        outline = torch.empty(winners.tournament.best.shape, dtype=torch.int64, device="meta")
        for view in views:
            outline = view(outline)
        out: SecretIndex = torch.Tensor._make_wrapper_subclass(
            cls, outline.shape, outline.stride(), outline.storage_offset(), dtype=torch.int64
        )
        out._protocol = protocol
        out._winners = winners
        out._views = views
        return out

    @property
    def _share(self) -> Share:  # type: ignore[override]
        share = self._winners.materialized(self._protocol)
        for view in self._views:
            share = share.view(view)
        return share

    def viewed(self, function: Callable[[Tensor], Tensor]) -> SecretIndex:
        """A view that remembers the tournament too."""
        return SecretIndex(self._protocol, self._winners, (*self._views, function))

    def aliased(self) -> SecretIndex:
        """The same index as another tensor."""
        return SecretIndex(self._protocol, self._winners, self._views)
