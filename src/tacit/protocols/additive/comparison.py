"""Comparison of a masked value with public numbers: tables of the mask's chunks, then a small tree.

With c = x - t + 2**(w - 2) + r mod 2**w public and r = -a the mask, x >= t is bit w - 2 of c - r, that is
``c[w-2] ^ r[w-2] ^ [low bits of c < low bits of r]``. The order of two chunks, one public and one tabulated by the
source, is a table look-up; chunks are combined by masked multi-input ands. (Tree after Damgard et al., TCC 2006; tables
after Ishai et al., TCC 2013, one-time truth tables.)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.correlations.masks import MaskView
from tacit.correlations.requests import Tables
from tacit.correlations.tables import look_up
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import Opened, opened
from tacit.protocols.additive.tree import all_equal, less_than
from tacit.protocols.share import Share
from tacit.ring.bits import to_planes, words


def at_least(context: Context, o: Opened, width: int, thresholds: Sequence[int]) -> list[Tensor]:
    """Planes of xor shares of ``[x >= t]`` for each threshold; ``|x - t| < 2**(width - 2)``.

    After the opening: two rounds for all thresholds together and 33 bits for each (width 64); from the source 229
    bits for the tables, once, and 96 bits for each threshold.
    """
    count, low = o.view.count, width - 2
    size = words(count)
    delivery = context.fetch(Tables(context.new_id(), o.view, low, top=True))
    m = o.value.reshape(-1)
    (tables,) = delivery.get()
    less: list[Tensor] = []
    equal: list[Tensor] = []
    tops: list[Tensor] = []
    for t in thresholds:  # one after the other, while the tables are in the cache
        public = to_planes(m + _as_signed((1 << low) - t), low + 1)
        for found, planes in zip((less, equal), look_up(tables[:-1], public[:low], context.first), strict=True):
            found.append(planes)
        tops.append(tables[-1] ^ context.constant(public[low]))
    bits = less_than(context, _side_by_side(less), _side_by_side(equal)).view(len(thresholds), size)
    return [plane ^ top for plane, top in zip(bits, tops, strict=True)]


def below_mask(context: Context, view: MaskView, c: Tensor, low: int) -> Tensor:
    """A plane of xor shares of ``[c < r]`` on the ``low`` low bits, for a public c and r = -a."""
    delivery = context.fetch(Tables(context.new_id(), view, low, top=False))
    less, equal = look_up(delivery.get()[0], to_planes(c, low), context.first)
    return less_than(context, less, equal)


def equals_zero(context: Context, x: Share, width: int) -> Tensor:
    """A plane of xor shares of ``[x == 0]``; ``|x| < 2**(width - 1)``. ``width`` + 20 bits, three rounds (width 64)."""
    o = opened(context, x, width)
    delivery = context.fetch(Tables(context.new_id(), o.view, width, top=False))
    public = to_planes(o.value.reshape(-1), width)
    _, equal = look_up(delivery.get()[0], public, context.first)
    return all_equal(context, equal)


def _side_by_side(planes: list[Tensor]) -> Tensor:
    return planes[0] if len(planes) == 1 else torch.cat(planes, dim=1)


def _as_signed(number: int) -> int:
    """A whole number as the signed ring integer that is equal to it modulo 2**64."""
    return ((number + (1 << 63)) % (1 << 64)) - (1 << 63)
