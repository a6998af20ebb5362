"""Vectors at length 1, and cosines between them, whose gradients divide by the length and by its square.

PyTorch takes them apart into roots, products and quotients, which each lose digits of what is small.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from tacit.tensor.caught import caught
from tacit.tensor.functional.norm import RmsNorm
from tacit.tensor.secret import Secret

_LEAST = 2.0**-30
"""Stands for the tiny number that keeps a vector of zeros from a division by zero: its direction is 0."""


@caught(functional.normalize)
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> Tensor:
    """``x / |x|``; of order 2: error 1e-4 and 3 units, for lengths from 1e-3 to 3e4; 13 rounds. Others: a division."""
    if p == 2.0 and input.dim():
        return _directions(input, dim).movedim(-1, dim)
    size = torch.linalg.vector_norm(input, p, dim if input.dim() else None, keepdim=True)
    quotient: Tensor = input / size.clamp_min(eps).expand_as(input)
    return quotient


@caught(functional.cosine_similarity)
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``dim``; error 2e-4, for lengths from 1e-3 to 3e4; 14 rounds."""
    x1, x2 = torch.broadcast_tensors(x1, x2)
    if not x1.dim():
        return _directions(x1.view(1), 0)[0] * _directions(x2.view(1), 0)[0]
    return (_directions(x1, dim) * _directions(x2, dim)).sum(-1)


@caught(functional.cosine_embedding_loss)
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``1 - cos`` where the target is 1, ``relu(cos - margin)`` where it is -1; error 2e-4."""
    if size_average is not None or reduce is not None:
        reduction = functional._Reduction.legacy_get_string(size_average, reduce, emit_warning=False)  # type: ignore[attr-defined]
    if target.dim() > 1 or input1.dim() != target.dim() + 1 or input1.dim() != input2.dim():
        raise RuntimeError(
            f"cosine_embedding_loss takes inputs of shape (N, D) or (D) and targets of shape (N) or (), got "
            f"{tuple(input1.shape)}, {tuple(input2.shape)} and {tuple(target.shape)}."
        )
    cosine = cosine_similarity(input1, input2, -1)
    zero = torch.zeros((), dtype=cosine.dtype)
    loss = torch.where(target == 1, 1 - cosine, zero) + torch.where(target == -1, (cosine - margin).relu(), zero)
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()


def _directions(x: Tensor, dim: int) -> Tensor:
    """Vectors along ``dim``, which comes last, at length 1."""
    rows = x.movedim(dim, -1)
    if not isinstance(x, Secret):
        return functional.normalize(rows, dim=-1)
    size = rows.shape[-1]
    out: Tensor = RmsNorm.apply(rows, None, [size], _LEAST)  # type: ignore[no-untyped-call]
    return out / math.sqrt(size)
