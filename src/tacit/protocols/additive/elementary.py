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
from tacit.ring import kernels
from tacit.ring.elementary import ExpRange, Wave


def exponential(context: Context, x: Share, shifts: Sequence[int], span: ExpRange) -> list[Tensor]:
    """``e**x / 2**shift`` at scale 60, for each shift where x less its offset lies in the span.

    The opening, and from the source 64 bits for each of ``span.entries``, which serve all shifts.
    """
    o = opened(context, x)
    bits = x.scale
    request = Exponentials(context.new_id(), o.view, bits, span.integer_bits, span.step_bits, span.table_scale)
    delivery = context.fetch(request)
    (table,) = delivery.get()
    products = kernels.exp_products(o.value.reshape(-1), bits, span, shifts, table)
    return [product.view(x.shape) for product in products]


def waves(context: Context, x: Share, period_bits: int, series: Sequence[Wave]) -> list[Tensor]:
    """Each of ``series`` at the angle of x, whose whole turn is ``2**period_bits`` units of x, at scale 50.

    Error 2**-25 times the number of terms and the sum of the coefficients. The opening, and from the source 128 bits a
    term.
    """
    o = opened(context, x)
    terms = max(wave.terms for wave in series)
    delivery = context.fetch(Waves(context.new_id(), o.view, period_bits, terms))
    tables = delivery.get()
    totals = kernels.wave_products(o.value.reshape(-1), period_bits, series, WAVE_SCALE, context.first, *tables)
    return [total.view(x.shape) for total in totals]


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
