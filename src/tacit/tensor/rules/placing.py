"""What is written into a part of a new tensor: diagonals, slices of strides, sums at public places. Free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.diag_embed.default)
def diag_embed(protocol: Protocol, x: Secret, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Free."""
    size = x.shape[-1] + abs(offset)
    out = x.new_zeros(*x.shape[:-1], size, size)
    out.diagonal(offset, -2, -1).copy_(x)
    rank = x.dim() + 1
    first, second = dim1 % rank, dim2 % rank
    return out.movedim((-2, -1), (first, second))


@rule(aten.diagonal_scatter.default)
def diagonal_scatter(
    protocol: Protocol, x: Any, source: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """Free."""
    out = _fresh(x, source)
    out.diagonal(offset, dim1, dim2).copy_(source)
    return out


@rule(aten.as_strided_scatter.default)
def as_strided_scatter(
    protocol: Protocol, x: Any, source: Tensor, size: Sequence[int], stride: Sequence[int], offset: int | None = None
) -> Tensor:
    """Free."""
    out = _fresh(x, source)
    out.as_strided(size, stride, offset).copy_(source)
    return out


def _fresh(x: Any, source: Tensor) -> Tensor:
    """A secret copy of x, which may be public."""
    return x.clone() if isinstance(x, Secret) else source.new_zeros(x.shape) + x


@rule(aten.select_copy.int)
def select_copy(protocol: Protocol, x: Secret, dim: int, index: int) -> Tensor:
    """Free."""
    return x.select(dim, index).clone()


@rule(aten.slice_copy.Tensor)
def slice_copy(protocol: Protocol, x: Secret, *where: Any, **options: Any) -> Tensor:
    """Free."""
    out: Tensor = aten.slice.Tensor(x, *where, **options)
    return out.clone()


@rule(aten.split_copy.Tensor)
def split_copy(protocol: Protocol, x: Secret, size: int, dim: int = 0) -> list[Tensor]:
    """Free."""
    return [part.clone() for part in x.split(size, dim)]  # type: ignore[no-untyped-call]


@rule(aten.copy.default)
def copy(protocol: Protocol, x: Any, source: Any, non_blocking: bool = False) -> Tensor:
    """Free."""
    target = torch.zeros(x.shape, dtype=x.dtype)
    out: Tensor = source.to(x.dtype) + target if x.dtype != torch.bool else source.to(x.dtype) ^ target
    return out


@rule(aten.put.default)
def put(protocol: Protocol, x: Any, index: Tensor, source: Any, accumulate: bool = False) -> Tensor:
    """Free at public places of the flat tensor."""
    out = _fresh(x, source).reshape(-1)
    return torch.index_put(out, (index.reshape(-1),), source.reshape(-1), accumulate).view(x.shape)


@rule(aten.masked_scatter_backward.default)
def masked_scatter_backward(protocol: Protocol, grad: Tensor, mask: Tensor, sizes: Sequence[int]) -> Tensor:
    """Free."""
    chosen = grad.masked_select(mask)
    missing = torch.Size(sizes).numel() - chosen.numel()
    whole = torch.cat((chosen, chosen.new_zeros(missing))) if missing > 0 else chosen
    return whole.view(*sizes)


@rule(aten.aminmax.default)
def aminmax(protocol: Protocol, x: Secret, *, dim: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """Two tournaments."""
    dims = [] if dim is None else [dim]
    return x.amin(dims, keepdim), x.amax(dims, keepdim)


@rule(aten.scatter_reduce.two)
def scatter_reduce(
    protocol: Protocol, x: Any, dim: int, index: Tensor, source: Any, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Sums and means at public places are free; products and extremes go by layers, one after the other.

    A layer has at most one entry for each place, so that there are as many as the most frequent place has entries.
    """
    return _reduced(x, dim, index, source, reduce, include_self)


@rule(aten.index_reduce.default)
def index_reduce(
    protocol: Protocol, x: Any, dim: int, index: Tensor, source: Any, reduce: str, *, include_self: bool = True
) -> Tensor:
    """As ``scatter_reduce``."""
    shape = [-1 if d == dim % max(1, x.dim()) else 1 for d in range(x.dim())]
    spread = index.view(shape).expand(source.shape) if x.dim() else index.view(())
    return _reduced(x, dim, spread, source, reduce, include_self)


def _reduced(x: Any, dim: int, index: Tensor, source: Any, reduce: str, include_self: bool) -> Tensor:
    if not x.dim():
        return _reduced(x.view(1), 0, index.view(1), source.view(1), reduce, include_self).view(())
    source = source[tuple(slice(size) for size in index.shape)]
    hit = torch.zeros(x.shape, dtype=torch.int64).scatter_add(dim, index, torch.ones_like(index))
    if reduce in ("sum", "mean"):
        base = x if include_self else x * (hit == 0).to(x.dtype)
        total = torch.scatter_add(base, dim, index, source)
        if reduce == "sum":
            return total
        count = (hit + int(include_self)).clamp(min=1)
        return total / count if x.dtype.is_floating_point else torch.div(total, count, rounding_mode="floor")
    neutral = 1 if reduce == "prod" else None
    out, started = _fresh(x, source), torch.full(x.shape, include_self) | (hit == 0)
    for layer in _layers(index, dim, x.shape):
        chosen = torch.zeros(x.shape, dtype=torch.int64).scatter_add(dim, index, layer.to(torch.int64)) > 0
        places = torch.zeros(x.shape, dtype=torch.int64).scatter_add(dim, index, _numbered(layer))
        values = source.reshape(-1)[places]
        if neutral is not None:
            merged = out * values
        else:
            merged = torch.maximum(out, values) if reduce == "amax" else torch.minimum(out, values)
        merged = torch.where(started, merged, values)
        out = torch.where(chosen, merged, out)
        started = started | chosen
    return out


def _layers(index: Tensor, dim: int, shape: Sequence[int]) -> list[Tensor]:
    """Masks of the entries: the first for each place, the second for each, and so on."""
    seen = torch.zeros(tuple(shape), dtype=torch.int64)
    rank = torch.empty_like(index)
    for at in range(index.shape[dim]):
        here = index.narrow(dim, at, 1)
        part = seen[tuple(slice(n) if d != dim % len(shape) else slice(None) for d, n in enumerate(here.shape))]
        rank.narrow(dim, at, 1).copy_(part.gather(dim, here))
        part.scatter_add_(dim, here, torch.ones_like(here))
    return [rank == layer for layer in range(int(rank.max()) + 1 if rank.numel() else 0)]


def _numbered(layer: Tensor) -> Tensor:
    """The flat place of each entry of the layer, 0 elsewhere."""
    return torch.arange(layer.numel()).view(layer.shape) * layer
