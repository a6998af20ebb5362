"""Products of many, and what runs along a dimension: a round of work for each doubling of its length."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.prod.default)
def prod(protocol: Protocol, x: Secret, *, dtype: torch.dtype | None = None) -> Tensor:
    """A tree of products, which must stay below 2**30: two rounds for each doubling of the number of elements."""
    return _product(_factors(x, dtype).reshape(-1), 0)


@rule(aten.prod.dim_int)
def prod_along(
    protocol: Protocol, x: Secret, dim: int, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor:
    """The same along a dimension."""
    factors = _factors(x, dtype)
    if not x.dim():
        return factors
    out = _product(factors, dim)
    return out.unsqueeze(dim) if keepdim else out


@rule(aten.cumprod.default)
def cumprod(protocol: Protocol, x: Secret, dim: int, *, dtype: torch.dtype | None = None) -> Tensor:
    """All products of a beginning; two rounds for each doubling, on all elements (Hillis and Steele 1986)."""
    out = _factors(x, dtype)
    if not x.dim():
        return out
    step = 1
    while step < x.shape[dim]:
        first, rest = out.narrow(dim, 0, step), out.narrow(dim, step, x.shape[dim] - step)
        out = torch.cat((first, rest * out.narrow(dim, 0, x.shape[dim] - step)), dim)
        step *= 2
    return out


@rule(aten.cummax.default)
def cummax(protocol: Protocol, x: Secret, dim: int) -> tuple[Tensor, Tensor]:
    """The largest so far and where it stands, the last of equals. Five rounds for each doubling, on all elements."""
    return _extremes(x, dim, largest=True)


@rule(aten.cummin.default)
def cummin(protocol: Protocol, x: Secret, dim: int) -> tuple[Tensor, Tensor]:
    """As ``cummax``."""
    return _extremes(x, dim, largest=False)


@rule(aten.logcumsumexp.default)
def logcumsumexp(protocol: Protocol, x: Secret, dim: int) -> Tensor:
    """A logsumexp of each beginning: its error; the square of the length in work."""
    if not x.dim():
        return x.clone()
    rows = x.movedim(dim, -1)
    size = rows.shape[-1]
    later = torch.ones(size, size, dtype=torch.bool).triu(1)
    spread = rows.unsqueeze(-2).expand(*rows.shape[:-1], size, size).masked_fill(later, float("-inf"))
    return spread.logsumexp(-1).movedim(-1, dim)


def _factors(x: Secret, dtype: torch.dtype | None) -> Tensor:
    if dtype is None:
        dtype = x.dtype if x.dtype.is_floating_point else torch.int64
    return x.to(dtype)


def _product(x: Tensor, dim: int) -> Tensor:
    while (size := x.shape[dim]) > 1:
        half = size // 2
        left, right = x.narrow(dim, 0, half), x.narrow(dim, half, half)
        rest = [x.narrow(dim, 2 * half, 1)] if size % 2 else []
        x = torch.cat((left * right, *rest), dim)
    return x.squeeze(dim)


def _extremes(x: Secret, dim: int, largest: bool) -> tuple[Tensor, Tensor]:
    if not x.dim():
        return x.clone(), torch.zeros_like(x, dtype=torch.int64)
    size = x.shape[dim]
    shape = [size if d == dim % x.dim() else 1 for d in range(x.dim())]
    best: Tensor = x.to(torch.int64) if x.dtype == torch.bool else x
    where = torch.zeros_like(x, dtype=torch.int64) + torch.arange(size).view(shape)
    step = 1
    while step < size:
        before, after = best.narrow(dim, 0, size - step), best.narrow(dim, step, size - step)
        places, own = where.narrow(dim, 0, size - step), where.narrow(dim, step, size - step)
        stays = after >= before if largest else after <= before
        best = torch.cat((best.narrow(dim, 0, step), torch.where(stays, after, before)), dim)
        where = torch.cat((where.narrow(dim, 0, step), torch.where(stays, own, places)), dim)
        step *= 2
    return best.to(x.dtype), where
