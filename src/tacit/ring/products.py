"""Matrix products in the ring with the semantics of ``torch.matmul``."""

from __future__ import annotations

import math

import torch

from tacit.errors import MisuseError
from tacit.ring import kernels

Shape = tuple[int, ...]


def broadcast_shape(x_shape: Shape, y_shape: Shape) -> Shape:
    """The shape that two shapes broadcast to, or MisuseError."""
    try:
        return tuple(torch.broadcast_shapes(x_shape, y_shape))
    except RuntimeError:
        raise MisuseError(f"Shapes {list(x_shape)} and {list(y_shape)} do not broadcast.") from None


def matmul_shape(x_shape: Shape, y_shape: Shape) -> Shape:
    """The shape of ``torch.matmul`` of two shapes, or MisuseError."""
    if not x_shape or not y_shape:
        raise MisuseError("matmul takes operands of at least one dimension; multiply by a number with mul.")
    inner = y_shape[-2] if len(y_shape) > 1 else y_shape[0]
    if x_shape[-1] != inner:
        raise MisuseError(
            f"matmul: inner sizes differ in {list(x_shape)} @ {list(y_shape)}: {x_shape[-1]} and {inner}."
        )
    rows = x_shape[-2:-1]
    columns = y_shape[-1:] if len(y_shape) > 1 else ()
    return broadcast_shape(x_shape[:-2], y_shape[:-2]) + rows + columns


def matmul(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """``torch.matmul`` of int64 tensors modulo 2^64. The operands may be strided."""
    shape = matmul_shape(tuple(x.shape), tuple(y.shape))
    left = x.unsqueeze(0) if x.dim() == 1 else x
    right = y.unsqueeze(1) if y.dim() == 1 else y
    return _batched(left, right).reshape(shape)


def _batched(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    rows, inner, columns = x.shape[-2], x.shape[-1], y.shape[-1]
    if y.dim() == 2:  # one matrix on the right: a single tall product
        return kernels.matmul(x.reshape(math.prod(x.shape[:-1]), inner), y).view(*x.shape[:-1], columns)
    batch = torch.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    size = math.prod(batch)
    left = x.expand(*batch, rows, inner).reshape(size, rows, inner)
    right = y.expand(*batch, inner, columns).reshape(size, inner, columns)
    return kernels.bmm(left, right).view(*batch, rows, columns)
