"""Exp, waves and powers of a masked value: one opening, a table of the mask from the source, public factors.

With m = x - a open: 2**x = 2**m 2**a, sin(m + a) = sin m cos a + cos m sin a, and (m + a)**k by the binomial theorem.
Local after the opening, exact up to the rounding of the factors. (One-time tables after Ishai et al., TCC 2013.)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import torch
from torch import Tensor

from tacit.correlations.elementary import TABLE_SCALE, WAVE_SCALE, Powers, PowersOfTwo, Waves
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import opened
from tacit.protocols.share import Share
from tacit.ring.elementary import exp2_fraction, fixed, sines_cosines


def power_of_two(context: Context, x: Share, offsets: Sequence[int], integer_bits: int) -> list[Tensor]:
    """``2**(x - offset)`` at scale 60 for each offset with ``1 - 2**integer_bits < x - offset <= 0``; error 2**-29.

    The opening, and from the source 64 bits for each of 2**integer_bits table entries, which serve all offsets.
    """
    o = opened(context, x)
    bits = x.scale
    delivery = context.fetch(PowersOfTwo(context.new_id(), o.view, bits, integer_bits))
    m = o.value.reshape(-1)
    factor = fixed(exp2_fraction(m & ((1 << bits) - 1), bits), TABLE_SCALE)
    (table,) = delivery.get()
    out = []
    for offset in offsets:
        entry = ((m >> bits) - offset) & ((1 << integer_bits) - 1)
        out.append((table.gather(0, entry.unsqueeze(0)).squeeze(0) * factor).view(x.shape))
    return out


def waves(context: Context, x: Share, period_bits: int, series: Sequence[Sequence[float]]) -> list[Tensor]:
    """For each row b of ``series`` the sum of ``b[k - 1] sin(2 pi k x / 2**period_bits)`` at scale 44; any x.

    Error ``2**-22`` times the sum of ``|b|``. The opening, and from the source 128 bits a term.
    """
    o = opened(context, x)
    terms = max(len(row) for row in series)
    delivery = context.fetch(Waves(context.new_id(), o.view, period_bits, terms))
    m = o.value.reshape(-1) & ((1 << period_bits) - 1)
    sines, cosines = sines_cosines(m, period_bits, terms)
    mask_sines, mask_cosines = delivery.get()
    out = []
    for row in series:
        total = torch.zeros_like(m)
        for k, b in enumerate(row):
            total += fixed(sines[k] * b, WAVE_SCALE) * mask_cosines[k]
            total += fixed(cosines[k] * b, WAVE_SCALE) * mask_sines[k]
        out.append(total.view(x.shape))
    return out


def powers(context: Context, x: Share, degree: int) -> list[Tensor]:
    """``x**2`` to ``x**degree`` in the ring, exact. The opening, and from the source 64 bits for each power."""
    o = opened(context, x)
    delivery = context.fetch(Powers(context.new_id(), o.view, degree))
    m, a = o.value.reshape(-1), o.mask_share(context).reshape(-1)
    public = [torch.ones_like(m), m]
    while len(public) <= degree:
        public.append(public[-1] * m)
    mask_powers = [a, *delivery.get()[0]]
    out = []
    for k in range(2, degree + 1):
        total = context.constant(public[k])
        for j in range(1, k + 1):
            total = total + comb(k, j) * public[k - j] * mask_powers[j - 1]
        out.append(total.view(x.shape))
    return out
