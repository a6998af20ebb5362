"""Elementary functions of public numbers, the same to the last bit on every machine.

All parties multiply their shares by these values: a difference of one unit between two parties would leave garbage. So
nothing here calls a library's exp or sin; only sums and products of float64, which IEEE 754 rounds in one way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_E = 2.718281828459045
_SQRT_E = 1.6487212707001282
_EXP = [_SQRT_E / math.factorial(k) for k in range(15)]
_TURN = 6.283185307179586
# Powers as products: a library's pow need not round in one way either.
_SIN = [(-1) ** k * math.prod([_TURN] * (2 * k + 1)) / math.factorial(2 * k + 1) for k in range(9)]
_COS = [(-1) ** k * math.prod([_TURN] * (2 * k), start=1.0) / math.factorial(2 * k) for k in range(9)]

EXP_SERIES = torch.tensor(_EXP, dtype=torch.float64)
WAVE_SERIES = torch.tensor(_SIN + _COS, dtype=torch.float64)
"""The coefficients, for native code: those of the sine before those of the cosine."""


EXP_SCALE = 60
"""Fraction bits of an exp of at most e: those of a table's entry and of its public factor together."""


class ExpRange(NamedTuple):
    """Which exps a table serves: those of x with ``2**step_bits - 2**integer_bits < x <= 0``.

    It has an entry for every ``2**step_bits`` whole numbers, with ``table_scale`` fraction bits. A result errs by
    ``2**(table_scale - 61)`` of itself and ``e**(2**step_bits) * 2**-(table_scale + 1)`` of the largest.
    """

    integer_bits: int = 5
    step_bits: int = 0
    table_scale: int = 40

    @property
    def entries(self) -> int:
        """How many numbers the table has."""
        return 1 << (self.integer_bits - self.step_bits)


class Wave(NamedTuple):
    """A function of an angle t: the sum of ``sines[k - 1] sin(k t)`` and of ``cosines[k] cos(k t)``."""

    sines: Sequence[float]
    cosines: Sequence[float] = ()

    @property
    def terms(self) -> int:
        """The highest multiple of the angle."""
        return max(len(self.sines), len(self.cosines) - 1)

    def at(self, k: int) -> tuple[float, float]:
        """The coefficients of the sine and of the cosine of k t."""
        sine = self.sines[k - 1] if 0 < k <= len(self.sines) else 0.0
        return sine, self.cosines[k] if k < len(self.cosines) else 0.0


def exp_fraction(numerator: Tensor, bits: int) -> Tensor:
    """``e**(numerator / 2**bits)`` for ``0 <= numerator < 2**bits``, float64 in [1, e); relative error 1e-14."""
    return _polynomial(_EXP, numerator.double() * 2.0**-bits - 0.5)


def exp_whole(exponent: int) -> float:
    """``e**exponent``; relative error ``|exponent|`` times 1e-16."""
    return math.prod([_E] * exponent, start=1.0) if exponent >= 0 else 1 / exp_whole(-exponent)


def exp_offset(shift: int) -> int:
    """The least whole number whose exp is at least ``2**shift``."""
    return math.ceil(shift * 0.6931471805599453)


def sine_cosine(numerator: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Sine and cosine of ``numerator / 2**bits`` turns, ``0 <= numerator < 2**bits``, float64; error 1e-14."""
    turns = numerator.double() * 2.0**-bits
    quarters = torch.round(turns * 4)
    rest = turns - quarters * 0.25
    square = rest * rest
    sine, cosine = _polynomial(_SIN, square) * rest, _polynomial(_COS, square)
    quarter = quarters.to(torch.int64) & 3
    swapped = (quarter & 1).bool()
    sign_of_sine = 1.0 - (quarter & 2).double()
    sign_of_cosine = 1.0 - ((quarter + 1) & 2).double()
    return torch.where(swapped, cosine, sine) * sign_of_sine, torch.where(swapped, sine, cosine) * sign_of_cosine


def harmonics(numerator: Tensor, bits: int, terms: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Sine and cosine of 1, 2, ... ``terms`` times an angle (see ``sine_cosine``), one after the other; error 1e-13."""
    sine, cosine = sine_cosine(numerator, bits)
    s, c = sine, cosine
    for k in range(terms):
        if k:
            s, c = s * cosine + c * sine, c * cosine - s * sine
        yield s, c


def fixed(value: Tensor, scale: int) -> Tensor:
    """Float64 as ring integers of the given scale, rounded to nearest."""
    return torch.round(value * 2.0**scale).to(torch.int64)


def _polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    total = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x
        total = total + coefficient
    return total
