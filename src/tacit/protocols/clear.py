"""What the primitives compute, on ring integers in the clear: for values that somebody knows, and for the oracle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.ring.elementary import exp2_fraction, fixed, sines_cosines, two_to


def round_shift(value: Tensor, shift: int) -> Tensor:
    """``value / 2**shift`` rounded to nearest, ties up; exact for all ring integers."""
    if shift == 0:
        return value.clone()
    return (value >> shift) + ((value >> (shift - 1)) & 1)


def floor_shift(value: Tensor, shift: int, noise: Tensor) -> Tensor:
    """``value / 2**shift`` rounded up where its low bits exceed those of the uniform ``noise``: unbiased."""
    low = (1 << shift) - 1
    return (value >> shift) + ((value & low) > (noise & low)).to(torch.int64)


def power_of_two(value: Tensor, scale: int, offsets: Sequence[int], integer_bits: int) -> list[Tensor]:
    """``2**(x - offset)`` at scale 60 for each offset with ``1 - 2**integer_bits < x - offset <= 0``; saturates."""
    whole = value >> scale
    fraction = exp2_fraction(value & ((1 << scale) - 1), scale)
    exponents = [(whole - offset).clamp(-(1 << integer_bits), 0) for offset in offsets]
    return [(fraction * two_to(exponent + 30)).round().to(torch.int64) << 30 for exponent in exponents]


def waves(value: Tensor, period_bits: int, series: Sequence[Sequence[float]]) -> list[Tensor]:
    """For each row b the sum of ``b[k - 1] sin(2 pi k x / 2**period_bits)`` at scale 44."""
    terms = max(len(row) for row in series)
    sines, _ = sines_cosines(value & ((1 << period_bits) - 1), period_bits, terms)
    out = []
    for row in series:
        total = torch.zeros_like(sines[0])
        for k, b in enumerate(row):
            total = total + sines[k] * b
        out.append(fixed(total, 44))
    return out


def powers(value: Tensor, degree: int) -> list[Tensor]:
    """``x**2`` to ``x**degree`` in the ring."""
    out = [value * value]
    while len(out) < degree - 1:
        out.append(out[-1] * value)
    return out
