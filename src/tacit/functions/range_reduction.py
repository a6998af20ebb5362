"""Range reduction: between which powers of two a secret lies, and the secret moved exactly into a fixed interval.

Thresholds a factor of 16 apart are compared on one opening. Every number that is public for each bracket is then a sum
of the bits with public factors, and so is x times a power of two that depends on its bracket: exact in the ring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from tacit.functions.scale import capacity, relabelled
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
class ReducedRange:
    """Where a secret lies: for one of ``exponents``, ``2**k <= x < 2**(k + 4)`` as ring integers; or in none.

    sums: for 1, x and each of the other numbers that were asked for, what makes the sum over all thresholds of the bit
    ``[x >= 2**k]`` times a public weight and that number; the thresholds are those of ``exponents``, one above all
    brackets if ``ends``, then if ``signed`` the same of -x. certain: x and the
    other numbers, if x is certainly not below the first bracket, whose bit then is a public 1 and not in the sums.
    """

    protocol: Protocol
    exponents: tuple[int, ...]
    ends: bool
    signed: bool
    certain: tuple[Share, ...]
    sums: tuple[Callable[[Sequence[int]], Share], ...]

    def number(self, function: Callable[[int], int], scale: int, none: int = 0) -> Share:
        """``function(k)`` in units of the scale: negated for negative x, ``none`` below, 0 above all brackets."""
        weights, constant = self._rises(function, none), none
        if self.certain:
            constant, weights = none + weights[0], weights[1:]
            if not weights:
                return self.protocol.public(torch.full(self.certain[0].shape, constant), scale)
        out = _read_at(self.sums[0](weights), scale, scale)
        return self.protocol.add(out, self.protocol.public(torch.tensor(constant), scale)) if constant else out

    def product(self, index: int, function: Callable[[int], int], scale: int, unit: int) -> Share:
        """``function(k)`` times x (index 0) or another number, as ring integers of the scale; 0 in no bracket."""
        weights = self._rises(function, 0)
        if not self.certain:
            return _read_at(self.sums[1 + index](weights), scale, unit)
        out = relabelled(self.protocol, self.certain[index], weights[0], scale, unit)
        rest = weights[1:]
        return self.protocol.add(out, _read_at(self.sums[1 + index](rest), scale, unit)) if rest else out

    def mantissa(self) -> Share:
        """The absolute value of x moved into [1/16, 1), exact; 0 in no bracket."""
        return self.product(0, lambda k: 1 << (MANTISSA_SCALE - STEP - k), MANTISSA_SCALE, MANTISSA_SCALE)

    def _rises(self, function: Callable[[int], int], none: int) -> list[int]:
        """What each bit adds."""
        ups = [*map(function, self.exponents), *([0] if self.ends else [])]
        downs = [-value for value in ups] if self.signed else []
        return [b - a for values in (ups, downs) for a, b in zip([none, *values], values, strict=False)]


def _read_at(out: Share, scale: int, unit: int) -> Share:
    out.storage.scale, out.storage.unit = scale, unit
    return out


def reduce_range(
    protocol: Protocol,
    x: Share,
    high: int = HIGHEST,
    *,
    low: int = 0,
    first: int = LOWEST,
    signed: bool = False,
    ends: bool = False,
    others: Sequence[Share] = (),
) -> ReducedRange:
    """Reduce the range of x, which may be pending. Four rounds; the opening, 34 bits a threshold, those of ``others``.

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
    sums = protocol.select_sums(protocol.linear(lambda *parts: torch.stack(parts), *bits), (x, *others)) if bits else []
    return ReducedRange(protocol, exponents, ends, signed, (x, *others) if low else (), tuple(sums))
