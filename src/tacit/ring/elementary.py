"""Elementary functions of public numbers, the same to the last bit on every machine.

All parties multiply their shares by these values: a difference of one unit between two parties would leave garbage. So
nothing here calls a library's exp or sin; only sums and products of float64, which IEEE 754 rounds in one way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_LN2 = 0.6931471805599453
_SQRT2 = 1.4142135623730951
_EXP2 = [_SQRT2 * _LN2**k / math.factorial(k) for k in range(15)]
_SIN = [(-1) ** k * (2 * math.pi) ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(9)]
_COS = [(-1) ** k * (2 * math.pi) ** (2 * k) / math.factorial(2 * k) for k in range(9)]


def exp2_fraction(numerator: Tensor, bits: int) -> Tensor:
    """``2**(numerator / 2**bits)`` for ``0 <= numerator < 2**bits``, float64 in [1, 2); relative error 1e-14."""
    return _polynomial(_EXP2, numerator.double() * 2.0**-bits - 0.5)


def two_to(exponent: Tensor) -> Tensor:
    """``2.0**exponent`` for whole exponents from -1022 to 1023, exact."""
    return ((exponent + 1023) << 52).view(torch.float64)


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


def sines_cosines(numerator: Tensor, bits: int, terms: int) -> tuple[Tensor, Tensor]:
    """Sines and cosines of 1, 2, ... ``terms`` times an angle (see ``sine_cosine``), [terms, *shape]; error 1e-13."""
    sine, cosine = sine_cosine(numerator, bits)
    sines, cosines = [sine], [cosine]
    for _ in range(terms - 1):
        s, c = sines[-1], cosines[-1]
        sines.append(s * cosine + c * sine)
        cosines.append(c * cosine - s * sine)
    return torch.stack(sines), torch.stack(cosines)


def fixed(value: Tensor, scale: int) -> Tensor:
    """Float64 as ring integers of the given scale, rounded to nearest."""
    return torch.round(value * 2.0**scale).to(torch.int64)


def _polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    total = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x
        total = total + coefficient
    return total
