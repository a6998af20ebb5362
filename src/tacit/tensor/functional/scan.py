"""Running products: autograd follows the products, where PyTorch's own gradient divides and looks for zeros."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.tensor.caught import caught


@caught(torch.cumprod, Tensor.cumprod)
def cumprod(input: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Tensor:
    """All products of a beginning; two rounds for each doubling, on all elements (Hillis and Steele 1986)."""
    if dtype is None:
        dtype = input.dtype if input.dtype.is_floating_point else torch.int64
    out = input.to(dtype)
    if not input.dim():
        return out.clone()
    size, step = input.shape[dim], 1
    while step < size:
        first, rest = out.narrow(dim, 0, step), out.narrow(dim, step, size - step)
        out = torch.cat((first, rest * out.narrow(dim, 0, size - step)), dim)
        step *= 2
    return out
