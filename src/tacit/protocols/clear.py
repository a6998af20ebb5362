"""What the primitives compute, on ring integers in the clear: for values that somebody knows, and for the oracle."""

from __future__ import annotations

import torch
from torch import Tensor


def round_shift(value: Tensor, shift: int) -> Tensor:
    """``value / 2**shift`` rounded to nearest, ties up; exact for all ring integers."""
    if shift == 0:
        return value.clone()
    return (value >> shift) + ((value >> (shift - 1)) & 1)


def floor_shift(value: Tensor, shift: int, noise: Tensor) -> Tensor:
    """``value / 2**shift`` rounded up where its low bits exceed those of the uniform ``noise``: unbiased."""
    low = (1 << shift) - 1
    return (value >> shift) + ((value & low) > (noise & low)).to(torch.int64)
