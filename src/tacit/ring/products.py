"""Matrix products in the ring with the semantics of ``torch.matmul``."""

from __future__ import annotations

import math

import torch

from tacit.errors import MisuseError
from tacit.ring import kernels
from tacit.ring.window import Pair

Shape = tuple[int, ...]


def broadcast_shape(x_shape: Shape, y_shape: Shape) -> Shape:
    """The shape that two shapes broadcast to, or MisuseError."""
    if x_shape == y_shape:
        return x_shape
    # Written out because torch.broadcast_shapes costs 8 us, more than a small product.
    shape = list(x_shape if len(x_shape) >= len(y_shape) else y_shape)
    for index in range(-min(len(x_shape), len(y_shape)), 0):
        x_size, y_size = x_shape[index], y_shape[index]
        if x_size != y_size and x_size != 1 and y_size != 1:
            raise MisuseError(f"Shapes {list(x_shape)} and {list(y_shape)} do not broadcast.")
        shape[index] = y_size if x_size == 1 else x_size
    return tuple(shape)


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


def matmul(x: torch.Tensor, y: torch.Tensor, plus: Pair | None = None) -> torch.Tensor:
    """``torch.matmul`` of int64 tensors modulo 2^64; with ``plus`` the sum of two products of operands of these shapes.

    The operands may be strided.
    """
    shape = matmul_shape(x.shape, y.shape)
    if x.dim() == 2 and y.dim() == 2:
        return kernels.matmul(x, y, plus)
    return _batched(_matrices(x, y), None if plus is None else _matrices(*plus)).reshape(shape)


def _matrices(x: torch.Tensor, y: torch.Tensor) -> Pair:
    return x.unsqueeze(0) if x.dim() == 1 else x, y.unsqueeze(1) if y.dim() == 1 else y


def _batched(first: Pair, plus: Pair | None) -> torch.Tensor:
    x, y = first
    rows, inner, columns = x.shape[-2], x.shape[-1], y.shape[-1]
    if y.dim() == 2:  # one matrix on the right: a single tall product
        tall = math.prod(x.shape[:-1]), inner
        more = None if plus is None else (plus[0].reshape(tall), plus[1])
        return kernels.matmul(x.reshape(tall), y, more).view(*x.shape[:-1], columns)
    batch = broadcast_shape(x.shape[:-2], y.shape[:-2])
    size = math.prod(batch)

    def stacked(pair: Pair) -> Pair:
        left, right = (z.expand(*batch, *z.shape[-2:]).reshape(size, *z.shape[-2:]) for z in pair)
        return left, right

    out = kernels.bmm(*stacked(first), None if plus is None else stacked(plus))
    return out.view(*batch, rows, columns)
