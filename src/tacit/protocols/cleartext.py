"""What the primitives compute, on ring integers in the clear: for values that somebody knows, and for the oracle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.ring.elementary import EXP_SCALE, ExpRange, Wave, exp_fraction, exp_offset, exp_whole, fixed, harmonics


def round_shift(value: Tensor, shift: int) -> Tensor:
    """``value / 2**shift`` rounded to nearest, ties up; exact for all ring integers."""
    if shift == 0:
        return value.clone()
    return (value >> shift) + ((value >> (shift - 1)) & 1)


def floor_shift(value: Tensor, shift: int, noise: Tensor) -> Tensor:
    """``value / 2**shift`` rounded up where its low bits exceed those of the uniform ``noise``: unbiased."""
    low = (1 << shift) - 1
    return (value >> shift) + ((value & low) > (noise & low)).to(torch.int64)


def bits(value: Tensor, width: int) -> Tensor:
    """The ``width`` low bits, lowest first along a new first dimension."""
    return torch.stack([(value >> j) & 1 for j in range(width)]).to(torch.bool)


def exponential(value: Tensor, scale: int, shifts: Sequence[int], span: ExpRange) -> list[Tensor]:
    """``e**x / 2**shift`` at scale 60, for each shift where x less its offset lies in the span."""
    size = 1 << span.integer_bits
    powers = torch.tensor([exp_whole(-k) for k in range(size + 1)], dtype=torch.float64).to(value.device)
    fraction = exp_fraction(value & ((1 << scale) - 1), scale)
    out = []
    for shift in shifts:
        offset = exp_offset(shift)
        below = (offset - (value >> scale)).clamp(0, size)
        out.append(fixed(fraction * powers[below] * (exp_whole(offset) * 2.0**-shift), 40) << (EXP_SCALE - 40))
    return out


def waves(value: Tensor, period_bits: int, series: Sequence[Wave]) -> list[Tensor]:
    """Each of ``series`` at the angle of x, whose whole turn is ``2**period_bits`` units of x, at scale 50."""
    terms = max(wave.terms for wave in series)
    totals = [value.new_full(value.shape, wave.at(0)[1], dtype=torch.float64) for wave in series]
    for k, (sine, cosine) in enumerate(harmonics(value & ((1 << period_bits) - 1), period_bits, terms), start=1):
        for i, wave in enumerate(series):
            b, c = wave.at(k)
            totals[i] = totals[i] + (sine * b + cosine * c)
    return [fixed(total, 50) for total in totals]


def powers(value: Tensor, degree: int) -> list[Tensor]:
    """``x**2`` to ``x**degree`` in the ring."""
    out = [value * value]
    while len(out) < degree - 1:
        out.append(out[-1] * value)
    return out
