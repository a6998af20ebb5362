"""Between floating point and ring integers, in torch (see ``kernels``); ``fixed_point`` says what is meant."""

from __future__ import annotations

import torch
from torch import Tensor

RANGE_BITS = 62
"""An encoded value lies strictly between -2**62 and 2**62: truncation and comparison need the two bits above."""


def encode(x: Tensor, scale: int) -> Tensor | None:
    """``x * 2**scale`` to the nearest integer, ties to even; None if one is NaN or not within ``+-2**RANGE_BITS``."""
    # float64 holds every narrower float exactly, and scaling by a power of two is exact, so round is the only error.
    scaled = x.to(torch.float64, copy=True).mul_(2.0**scale)
    if scaled.numel():
        low, high = (float(bound) for bound in torch.aminmax(scaled))
        limit = 2.0**RANGE_BITS
        if not (low > -limit and high < limit):  # not (...) also catches NaN
            return None
    return scaled.round_().to(torch.int64)


def decode(ring: Tensor, scale: int, dtype: torch.dtype) -> Tensor:
    """``ring / 2**scale``, correctly rounded to float64 or float32; other floats are rounded from float32."""
    if dtype != torch.float64:
        ring = _round_to_odd(ring)
    return ring.to(torch.float64).mul_(2.0**-scale).to(dtype)


def _round_to_odd(ring: Tensor) -> Tensor:
    """Keep 53 bits of integers beyond 2^53, the last of them sticky, so that rounding twice equals rounding once."""
    if not ring.numel():
        return ring
    low, high = (int(bound) for bound in torch.aminmax(ring))
    if low >= -(1 << 53) and high <= 1 << 53:
        return ring
    rest = ring & 0x7FF
    sticky = (ring ^ rest) | ((rest != 0).to(torch.int64) << 11)
    return torch.where((ring >= -(1 << 53)) & (ring <= 1 << 53), ring, sticky)
