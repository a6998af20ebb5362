"""Norms of vectors, and distances, with gradients made of quotients of at most 1.

PyTorch's own formula for the gradient raises entries and norm to powers before it divides one by the other: neither
what is large nor what is small survives that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tacit.tensor.caught import caught
from tacit.tensor.definitions import VECTOR_NORM_BACKWARD, whole
from tacit.tensor.operands import Number, dims_of

aten = torch.ops.aten

_Dims = Sequence[int] | int | None


class VectorNorm(torch.autograd.Function):
    """``linalg_vector_norm`` of an order other than 0, 1 and infinity, over given dimensions."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: float, dims: Sequence[int], keepdim: bool) -> Tensor:
        """The norm, kept for the gradient."""
        out: Tensor = whole(aten.linalg_vector_norm.default, x, order, dims, keepdim)
        ctx.save_for_backward(x, out)
        ctx.order, ctx.dims, ctx.keepdim = order, dims, keepdim
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """``grad * sign(x) * (|x| / norm)**(order - 1)``."""
        x, norm = ctx.saved_tensors
        grad = grads[0]
        if not ctx.keepdim:
            for d in ctx.dims if x.dim() else ():
                grad, norm = grad.unsqueeze(d), norm.unsqueeze(d)
        if torch.is_grad_enabled():  # create_graph=True: the gradient has one of its own
            return _gradient(grad, x, norm, ctx.order), None, None, None
        return whole(VECTOR_NORM_BACKWARD, grad, x, norm, ctx.order, ctx.dims), None, None, None


def _gradient(grad: Tensor, x: Tensor, norm: Tensor, order: float) -> Tensor:
    """The same of operations that have gradients, with the digits that the norm has."""
    norm = norm + (norm == 0).to(norm.dtype)
    if order == 2:
        return grad * (x / norm.expand_as(x))
    sign = x.detach().sgn()
    size = x * sign
    if order > 1:
        return grad * sign * (size / norm.expand_as(x)) ** (order - 1)
    return grad * sign * (norm.expand_as(x) / (size + (size == 0).to(size.dtype))) ** (1 - order)


_vector_norm, _norm, _linalg_norm, _matrix_norm = (
    torch.linalg.vector_norm,
    torch.norm,
    torch.linalg.norm,
    torch.linalg.matrix_norm,
)


@caught(torch.linalg.vector_norm)
def vector_norm(
    x: Tensor,
    ord: Number = 2,
    dim: _Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """See ``tacit.tensor.rules.statistics.vector_norm``."""
    if dtype is not None or not x.dtype.is_floating_point:  # PyTorch says which types fit
        _vector_norm(torch.zeros(1, dtype=x.dtype), dtype=dtype)
    if ord in (0, 1) or math.isinf(ord) or out is not None:
        with torch._C.DisableTorchFunctionSubclass():
            plain: Tensor = _vector_norm(x, ord, dim, keepdim, dtype=dtype, out=out)
        return plain
    dims = dims_of(x, dim)
    found: Tensor = VectorNorm.apply(x if dtype is None else x.to(dtype), float(ord), dims, keepdim)  # type: ignore[no-untyped-call]
    return found


@caught(torch.norm, Tensor.norm)
def norm(
    input: Tensor,
    p: Number | str | None = "fro",
    dim: _Dims = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """The norm of vectors that ``torch.norm`` gives, for numbers and "fro"."""
    if isinstance(p, str) and (p != "fro" or (dim is not None and not isinstance(dim, int) and len(dim) > 2)):
        with torch._C.DisableTorchFunctionSubclass():
            return _norm(input, p, dim, keepdim, out, dtype)  # type: ignore[no-any-return]
    return vector_norm(input, 2 if p is None or isinstance(p, str) else p, dim, keepdim, dtype=dtype, out=out)


@caught(torch.linalg.norm)
def linalg_norm(
    A: Tensor,
    ord: Number | str | None = None,
    dim: _Dims = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """A norm of vectors where one dimension or no order is given; else one of matrices."""
    of_vectors = ord is None or A.dim() == 1 if dim is None else isinstance(dim, int) or len(dim) == 1
    if of_vectors and not isinstance(ord, str):
        return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype, out=out)
    if ord in (None, "fro") and out is None and (A.dim() if dim is None else len(list(dim))) == 2:  # type: ignore[arg-type]
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    with torch._C.DisableTorchFunctionSubclass():
        found: Tensor = _linalg_norm(A, ord, dim, keepdim, out=out, dtype=dtype)
    return found


@caught(torch.linalg.matrix_norm)
def matrix_norm(
    A: Tensor,
    ord: Number | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Frobenius's norm is that of a vector."""
    if ord == "fro" and out is None and len(dim) == 2 and A.dim() > 1:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    with torch._C.DisableTorchFunctionSubclass():
        found: Tensor = _matrix_norm(A, ord, dim, keepdim, out=out, dtype=dtype)
    return found


@caught(functional.pairwise_distance)
def pairwise_distance(x1: Tensor, x2: Tensor, p: Number = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The norm of the difference; an ``eps`` below half a unit is none."""
    longer = x1 if x1.dim() >= x2.dim() else x2
    return vector_norm(x1 - x2 + eps, p, longer.dim() - 1 if longer.dim() else None, keepdim)


@caught(torch.dist, Tensor.dist)
def dist(input: Tensor, other: Tensor, p: Number = 2) -> Tensor:
    """The norm of the difference."""
    return vector_norm(input - other, p)
