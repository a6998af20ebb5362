"""Exp, waves and powers of a masked value: one opening, a table of the mask from the source, public factors.

With m = x - a open: e**x = e**m e**a, sin(m + a) = sin m cos a + cos m sin a, and (m + a)**k by the binomial theorem.
Local after the opening, exact up to the rounding of the factors. (One-time tables after Ishai et al., TCC 2013.)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import torch
from torch import Tensor

from tacit.correlations.elementary import WAVE_SCALE, Exponentials, Powers, Waves
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import opened
from tacit.protocols.share import Share
from tacit.ring.elementary import EXP_SCALE, Wave, Window, exp_fraction, exp_offset, exp_whole, fixed, harmonics


def exponential(context: Context, x: Share, shifts: Sequence[int], window: Window) -> list[Tensor]:
    """``e**x / 2**shift`` at scale 60, for each shift where x less its offset lies in the window.

    The opening, and from the source 64 bits for each of ``window.entries``, which serve all shifts.
    """
    o = opened(context, x)
    bits = x.scale
    request = Exponentials(context.new_id(), o.view, bits, window.integer_bits, window.step_bits, window.table_scale)
    delivery = context.fetch(request)
    m = o.value.reshape(-1)
    fraction = exp_fraction(m & ((1 << bits) - 1), bits)
    (table,) = delivery.get()
    out, step = [], 1 << window.step_bits
    for shift in shifts:
        offset = exp_offset(shift)
        whole = ((m >> bits) - offset) & ((1 << window.integer_bits) - 1)
        powers = torch.tensor([exp_whole(offset + i) * 2.0**-shift for i in range(step)], dtype=torch.float64)
        factor = fixed(fraction * powers[whole & (step - 1)], EXP_SCALE - window.table_scale)
        entry = whole >> window.step_bits
        out.append((table.gather(0, entry.unsqueeze(0)).squeeze(0) * factor).view(x.shape))
    return out


def waves(context: Context, x: Share, period_bits: int, series: Sequence[Wave]) -> list[Tensor]:
    """Each of ``series`` at the angle of x, whose whole turn is ``2**period_bits`` units of x, at scale 50.

    Error 2**-25 times the number of terms and the sum of the coefficients. The opening, and from the source 128 bits a
    term.
    """
    o = opened(context, x)
    terms = max(wave.terms for wave in series)
    delivery = context.fetch(Waves(context.new_id(), o.view, period_bits, terms))
    m = o.value.reshape(-1) & ((1 << period_bits) - 1)
    mask_sines, mask_cosines = delivery.get()
    out = [context.constant(torch.full_like(m, round(wave.at(0)[1] * 2.0 ** (2 * WAVE_SCALE)))) for wave in series]
    for k, (sine, cosine) in enumerate(harmonics(m, period_bits, terms), start=1):
        for i, wave in enumerate(series):
            b, c = wave.at(k)
            if b or c:  # sin k(m + a) and cos k(m + a), multiplied out
                of_cosine = fixed(sine * b + cosine * c, WAVE_SCALE) * mask_cosines[k - 1]
                of_sine = fixed(cosine * b - sine * c, WAVE_SCALE) * mask_sines[k - 1]
                out[i] = out[i] + of_cosine + of_sine
    return [total.view(x.shape) for total in out]


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
