"""Truncation by a masked opening: never a wrong high bit, for any number of parties.

For ``|x| < 2**62`` let c = x + 2**62 + r mod 2**64 be open, r = -a the opening's mask. Then
``(c >> t) + r_top (1 - c_top) 2**(64 - t) - (r >> t) - 2**(62 - t)`` is the floor of ``x / 2**t`` or one more, the
latter with the probability of the fraction: unbiased. (After Escudero et al., CRYPTO 2020.)
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tacit.correlations.requests import Truncation
from tacit.protocols.additive.choice import Choosing
from tacit.protocols.additive.comparison import below_mask
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import opened
from tacit.protocols.share import Share
from tacit.ring import kernels

WIDTH = 64


def truncate_pr(context: Context, xs: Sequence[Share], shifts: Sequence[int]) -> list[Tensor]:
    """``x / 2**shift``, floor or floor + 1, unbiased; ``|x| < 2**62``.

    64 bits an element, one round for all; from the source 64 + 16 bits (for a shift of 16).
    """
    return _truncate(context, xs, shifts, exact=False)


def truncate_exact(context: Context, xs: Sequence[Share], shifts: Sequence[int]) -> list[Tensor]:
    """``x / 2**shift`` rounded to nearest, ties up; ``|x| < 2**62 - 2**shift``.

    As ``truncate_pr``, less the borrow from the ``shift`` low bits, compared on the same opening: for a shift of 16
    three rounds and 71 bits; two more rounds and 7 more bits for each further one of ``xs``.
    """
    return _truncate(context, xs, shifts, exact=True)


def _truncate(context: Context, xs: Sequence[Share], shifts: Sequence[int], exact: bool) -> list[Tensor]:
    openings = [opened(context, x) for x in xs]
    requests = [Truncation(context.new_id(), o.view, WIDTH, t) for o, t in zip(openings, shifts, strict=True)]
    deliveries = [context.fetch(request) for request in requests]
    out = []
    for x, o, t, delivery in zip(xs, openings, shifts, deliveries, strict=True):
        m, rounding = o.value.reshape(-1), 1 << (t - 1) if exact else 0
        value = kernels.truncated(m, WIDTH, t, rounding, context.first, *delivery.get())
        if exact:
            c = m + ((1 << (WIDTH - 2)) + rounding)
            borrow, _ = Choosing(context, below_mask(context, o.view, c, t), [], x.numel).get()
            value = value - borrow
        out.append(value.view(x.shape))
    return out
