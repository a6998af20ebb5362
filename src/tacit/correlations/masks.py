"""Masks by name: how a request speaks of them, and how the source, who has every party's seed, recomputes them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod

import torch
from torch import Tensor

from tacit.correlations.streams import Streams


@dataclass(frozen=True)
class MaskView:
    """A view of the ring mask ``id``: the mask's own number of elements, then size, stride and offset of the view."""

    id: int
    numel: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int

    @classmethod
    def of_all(cls, mask: int, shape: tuple[int, ...]) -> MaskView:
        """The whole of a mask that was made for a tensor of this shape."""
        return cls(mask, prod(shape), shape, torch.empty(shape, device="meta").stride(), 0)

    def of(self, mask: Tensor) -> Tensor:
        """The view of the flat mask."""
        return mask.as_strided(self.size, self.stride, self.offset)

    def renumbered(self, mask: int) -> MaskView:
        """The same view of another mask."""
        return replace(self, id=mask)

    @property
    def count(self) -> int:
        """How many elements the view has."""
        return prod(self.size)


class Masks:
    """Every mask of a session, recomputed by the source from all parties' streams; recent ones are kept.

    limit: bytes kept at most.
    """

    def __init__(self, streams: Sequence[Streams], limit: int = 64 << 20) -> None:
        self._streams = streams
        self._limit = limit
        self._kept: OrderedDict[tuple[str, int | None, int, int], Tensor] = OrderedDict()
        self._size = 0

    def ring(self, view: MaskView, without: int | None = None) -> Tensor:
        """The sum of the parties' shares of a mask; without the share of one party, if asked."""
        return view.of(self._recall(("ring", without, view.id, view.numel)))

    def private(self, view: MaskView, owner: int) -> Tensor:
        """The mask that ``owner`` alone knows."""
        return view.of(self._recall(("private", owner, view.id, view.numel)))

    def bits(self, mask: int, shape: tuple[int, ...]) -> Tensor:
        """The xor of the parties' shares of a mask of bits."""
        return reduce(torch.bitwise_xor, (s.bit_mask(mask, shape) for s in self._streams))

    def _recall(self, key: tuple[str, int | None, int, int]) -> Tensor:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        kind, rank, mask, numel = key
        if kind == "ring":
            shares = (stream.ring_mask(mask, numel) for i, stream in enumerate(self._streams) if i != rank)
            value = next(shares)
            for share in shares:
                value += share
        else:
            value = self._streams[rank or 0].private_mask(mask, numel)
        self._kept[key] = value
        self._size += value.nbytes
        while self._size > self._limit and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._size -= dropped.nbytes
        return value
