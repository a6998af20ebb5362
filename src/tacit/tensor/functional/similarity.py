"""Vectors at length 1, and cosines between them, whose gradients divide by the length and by its square.

PyTorch takes them apart into roots, products and quotients, which each lose digits of what is small.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tacit.functions.length import shortest
from tacit.tensor.caught import caught
from tacit.tensor.definitions import UNIT_VECTORS, UNIT_VECTORS_BACKWARD, whole
from tacit.tensor.functional.vector_norm import vector_norm
from tacit.tensor.operands import dims_of
from tacit.tensor.secret import Secret


class UnitVectors(torch.autograd.Function):
    """Vectors along a dimension over their lengths."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, least: float) -> Tensor:
        """The vectors, kept for the gradient with one over their lengths."""
        value, inverse = whole(UNIT_VECTORS, x, dim, least)
        ctx.save_for_backward(x, value, inverse)
        ctx.dim, ctx.least = dim, least
        return value  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        """Two products, and one with the inverse length."""
        x, value, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True: the gradient has one of its own
            length = vector_norm(x, 2, ctx.dim, keepdim=True).clamp_min(ctx.least).expand_as(x)
            value = x / length
            return (grads[0] - value * (grads[0] * value).sum(ctx.dim, keepdim=True)) / length, None, None
        return whole(UNIT_VECTORS_BACKWARD, grads[0], value, inverse, ctx.dim), None, None


@caught(functional.normalize)
def normalize(
    input: Tensor, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12, out: None = None
) -> Tensor:
    """``x / max(|x|, eps)``; of order 2: error 1e-4 and 3 units, for lengths below 2**31; 19 rounds.

    Others: two divisions, a norm and a tournament. A vector of zeros stays one; its gradient counts its length as
    ``2**-0.5`` units (of other orders a unit), where PyTorch counts ``eps``.
    """
    if p == 2.0 and input.dim() and isinstance(dim, int) and eps < _unit(input):
        return _directions(input, dim, eps)
    dims = dim if input.dim() else None
    if p != 0 and eps < _unit(input):  # no size makes a difference, so the largest entry becomes 1, or stays 0
        largest = vector_norm(input.detach(), math.inf, dims, keepdim=True)
        blank = (largest == 0).to(input.dtype)
        input = input / (largest + blank * _unit(input)).expand_as(input)
        size = vector_norm(input, p, dims, keepdim=True) + blank
    else:
        size = vector_norm(input, p, dims, keepdim=True).clamp_min(eps)
    quotient: Tensor = input / size.expand_as(input)
    return quotient


@caught(functional.cosine_similarity)
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``dim``; error 2e-4, for lengths below 2**31; 21 rounds."""
    x1, x2 = torch.broadcast_tensors(x1, x2)
    if not (x1.dtype.is_floating_point or x2.dtype.is_floating_point):  # PyTorch says why not
        functional.cosine_similarity(torch.zeros(1, dtype=x1.dtype), torch.zeros(1, dtype=x2.dtype), 0)
    if not x1.dim():
        return cosine_similarity(x1.view(1), x2.view(1), 0, eps)
    if eps >= min(_unit(x1), _unit(x2)):
        return (_over_length(x1, dim, eps) * _over_length(x2, dim, eps)).sum(dim)
    (dim,) = dims_of(x1, dim)
    if _is_unknown(x1) and _is_unknown(x2) and x1.dtype == x2.dtype:  # both in the same rounds
        first, second = _directions(torch.stack((x1, x2)), dim + 1, eps).unbind(0)
        return (first * second).sum(dim)
    return (_directions(x1, dim, eps) * _directions(x2, dim, eps)).sum(dim)


def _is_unknown(x: Tensor) -> bool:
    """Whether no party knows ``x``: what one knows, it brings to length 1 alone."""
    return isinstance(x, Secret) and x._share.storage.known_by is None


def _over_length(x: Tensor, dim: int, eps: float) -> Tensor:
    """PyTorch raises a length to ``eps`` and passes its gradient on nevertheless."""
    size = vector_norm(x, 2, dim, keepdim=True)
    raised = size + (size.clamp_min(eps) - size).detach()
    quotient: Tensor = x / raised.expand_as(x)
    return quotient


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


def _directions(x: Tensor, dim: int, eps: float) -> Tensor:
    """Vectors along ``dim`` at length 1."""
    (dim,) = dims_of(x, dim)
    least = shortest(x._protocol.settings.frac_bits) if isinstance(x, Secret) else eps
    out: Tensor = UnitVectors.apply(x, dim, max(least, eps))  # type: ignore[no-untyped-call]
    return out


def _unit(x: Tensor) -> float:
    """The least positive number, which a public tensor leaves to the secrets that it meets."""
    return 2.0**-x._protocol.settings.frac_bits if isinstance(x, Secret) else 2.0**-16
