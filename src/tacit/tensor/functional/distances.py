"""Distances between all pairs of rows: those of the rows' differences, by the norms' own rules and gradients."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tacit.tensor.caught import caught


@caught(torch.cdist)
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """[..., n, d] and [..., m, d] -> [..., n, m]: a norm of every difference."""
    difference = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    if p == 0:
        return (difference != 0).to(difference.dtype).sum(-1)
    out: Tensor = torch.linalg.vector_norm(difference, p, -1)
    return out


@caught(torch.pdist, functional.pdist)
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """[n, d] -> [n (n - 1) / 2]: a norm of every difference of two rows."""
    first, second = torch.triu_indices(input.shape[0], input.shape[0], 1)
    difference = input[first] - input[second]
    if p == 0:
        return (difference != 0).to(difference.dtype).sum(-1)
    out: Tensor = torch.linalg.vector_norm(difference, p, -1)
    return out
