"""Bracketing: between which powers of two a secret lies, and the secret moved exactly into a fixed interval.

Thresholds a factor of 16 apart are compared on one opening. Every number that is public for each bracket is then a sum
of the bits with public factors, and so is x times a power of two that depends on its bracket: exact in the ring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from tacit.functions.scale import capacity
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share

STEP = 4
"""The binary logarithm of the ratio of neighbouring thresholds."""

MANTISSA_SCALE = 62
"""Fraction bits of what was moved into [1/16, 1)."""

HIGHEST = 62
"""What is bracketed lies below 2**62 in ring integers, as every settled or pending value does."""

LOWEST = -2
"""The first bracket, up to 4, so that the last one ends at 2**62; even, for the sake of roots."""


@dataclass(frozen=True, eq=False)
class Bracket:
    """Where a secret lies: for one of ``exponents``, ``2**k <= x < 2**(k + 4)`` as ring integers; or in none.

    numbers: the bits ``[x >= 2**k]`` as whole numbers, stacked; then, if ``ends``, whether x lies above all brackets;
    then, if ``signed``, the same of -x. products: these bits times x, and times each of the other numbers that were
    asked for. The first bit is a public 1 where x is certainly not below the first bracket.
    """

    protocol: Protocol
    exponents: tuple[int, ...]
    ends: bool
    signed: bool
    numbers: Share
    products: tuple[Share, ...]

    def number(self, function: Callable[[int], int], scale: int, none: int = 0) -> Share:
        """``function(k)`` in units of the scale: negated for negative x, ``none`` below, 0 above all brackets."""
        out = self._summed(self.numbers, self._rises(function, none), scale, scale)
        return self.protocol.add(out, self.protocol.public(torch.tensor(none), scale)) if none else out

    def product(self, index: int, function: Callable[[int], int], scale: int, unit: int) -> Share:
        """``function(k)`` times x (index 0) or another number, as ring integers of the scale; 0 in no bracket."""
        return self._summed(self.products[index], self._rises(function, 0), scale, unit)

    def mantissa(self) -> Share:
        """The absolute value of x moved into [1/16, 1), exact; 0 in no bracket."""
        return self.product(0, lambda k: 1 << (MANTISSA_SCALE - STEP - k), MANTISSA_SCALE, MANTISSA_SCALE)

    def _rises(self, function: Callable[[int], int], none: int) -> list[int]:
        """What each bit adds."""
        ups = [*map(function, self.exponents), *([0] if self.ends else [])]
        downs = [-value for value in ups] if self.signed else []
        return [b - a for values in (ups, downs) for a, b in zip([none, *values], values, strict=False)]

    def _summed(self, stack: Share, factors: Sequence[int], scale: int, unit: int) -> Share:
        column = torch.tensor(factors).view(-1, *[1] * (len(stack.shape) - 1))
        out = self.protocol.linear(lambda part: (part * column).sum(0), stack)
        out.storage.scale, out.storage.unit = scale, unit
        return out


def bracket(
    protocol: Protocol,
    x: Share,
    high: int = HIGHEST,
    *,
    low: int = 0,
    first: int = LOWEST,
    signed: bool = False,
    ends: bool = False,
    others: Sequence[Share] = (),
) -> Bracket:
    """Bracket x, which may be pending: four rounds; the opening, 34 bits a threshold, and the openings of ``others``.

    From the dealer 229 bits for the tables and, a threshold, 160 bits and 64 for x and each of ``others``. high: x is
    below ``2**high`` in ring integers, or if ``ends``, what is above counts as in no bracket. low: if positive, x is
    certainly not below ``2**low`` (and not signed), and one bracket needs no comparison at all. first: where the
    brackets begin (-2 plus a multiple of 4) if x may be anything. Where there are thresholds, x is above ``-2**61``.
    """
    most = capacity(protocol, x)
    exponents = tuple(range(low - (low - LOWEST) % STEP if low > 0 else first, min(high, most), STEP))
    ends = ends and high < most
    # Copies of a view of a part would each be opened; those of a whole storage share its opening.
    x, *others = (v if v.numel == v.storage_numel else protocol.linear(torch.clone, v) for v in (x, *others))
    marks = [max(1, round(2.0**k)) for k in (*exponents, *([exponents[-1] + STEP] if ends else []))][1 if low else 0 :]
    bits = protocol.compare(x, [*marks, *(1 - mark for mark in marks if signed)]) if marks else []
    bits = [*bits[: len(marks)], *map(protocol.invert, bits[len(marks) :])]
    chosen: list[Share] = []
    one = protocol.public(torch.ones((), dtype=torch.int64), 0)
    if bits:
        stack = protocol.linear(lambda *parts: torch.stack(parts), *bits)
        spread = [v.view(partial(_spread, count=len(bits))) for v in (x, *others)]
        chosen = protocol.select_pairs([(stack, v) for v in (one, *spread)])
    if low:
        certain = [v.view(partial(_spread, count=1)) for v in (one.view(lambda part: part.expand(x.shape)), x, *others)]
        pairs = zip(certain, chosen, strict=True) if chosen else ((v,) for v in certain)
        chosen = [protocol.linear(lambda *parts: torch.cat(parts), *pair) for pair in pairs]
    return Bracket(protocol, exponents, ends, signed, chosen[0], tuple(chosen[1:]))


def _spread(part: Tensor, count: int) -> Tensor:
    return part.expand(count, *part.shape)
