"""Sorting and what follows from it: order statistics, and places in a sorted sequence."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tacit.functions import sorting
from tacit.protocols._base import Protocol
from tacit.tensor.operands import number
from tacit.tensor.positions import mark_distinct
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_Pair = tuple[Secret, Secret]


@rule(aten.sort.default)
def sort(protocol: Protocol, x: Secret, dim: int = -1, descending: bool = False) -> _Pair:
    """A network of comparisons, stable: log2(n)**2 / 2 stages of four rounds. ``|x| < 2**(45 - log2(n))``."""
    return _along(protocol, x, dim, lambda share: sorting.sort(protocol, share, descending))


@rule(aten.sort.stable)
def sort_stable(
    protocol: Protocol, x: Secret, *, stable: bool | None = None, dim: int = -1, descending: bool = False
) -> _Pair:
    """As ``sort``."""
    return sort(protocol, x, dim, descending)


@rule(aten.topk.default)
def topk(protocol: Protocol, x: Secret, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> _Pair:
    """The first of ``sort``: runs of k are sorted and merged, log2(n) log2(k) stages. The range of ``sort``."""
    if not 0 <= k <= (x.shape[dim] if x.dim() else 1):
        raise RuntimeError("selected index k out of range")
    return _along(protocol, x, dim, lambda share: sorting.top(protocol, share, k, largest))


@rule(aten.kthvalue.default)
def kthvalue(protocol: Protocol, x: Secret, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The k-th of ``sort``, at its cost."""
    return _at(sort(protocol, x, dim), x, k - 1, dim, keepdim)


@rule(aten.median.default, aten.nanmedian.default)
def median(protocol: Protocol, x: Secret) -> Tensor:
    """The lower one of two in the middle; the cost of ``sort``."""
    flat: Any = x.reshape(-1)
    return sort(protocol, flat)[0].select(0, (x.numel() - 1) // 2)


@rule(aten.median.dim, aten.nanmedian.dim)
def median_along(protocol: Protocol, x: Secret, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The lower one of two in the middle; the cost of ``sort``."""
    size = x.shape[dim] if x.dim() else 1
    return _at(sort(protocol, x, dim), x, (size - 1) // 2, dim, keepdim)


@rule(aten.searchsorted.Tensor)
def searchsorted(
    protocol: Protocol,
    sorted_sequence: Tensor,
    values: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """How many come before: a comparison of every value with every entry."""
    if sorter is not None:
        sorted_sequence = sorted_sequence.gather(-1, sorter)
    sequence = sorted_sequence.unsqueeze(-2) if sorted_sequence.dim() > 1 else sorted_sequence
    return _count_before(sequence, values.unsqueeze(-1), right or side == "right", out_int32)


@rule(aten.searchsorted.Scalar)
def searchsorted_number(
    protocol: Protocol, sorted_sequence: Tensor, value: float, *, right: bool = False, **options: Any
) -> Tensor:
    """How many come before: a comparison with every entry."""
    right = right or options.get("side") == "right"
    return _count_before(sorted_sequence, value, right, bool(options.get("out_int32")))


@rule(aten.bucketize.Tensor)
def bucketize(
    protocol: Protocol, values: Tensor, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """As ``searchsorted``."""
    return _count_before(boundaries, values.unsqueeze(-1), right, out_int32)


@rule(aten.bucketize.Scalar)
def bucketize_number(
    protocol: Protocol, value: float, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """As ``searchsorted``."""
    return _count_before(boundaries, value, right, out_int32)


@rule(aten.histc.default)
def histc(protocol: Protocol, x: Secret, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many lie between neighbouring edges: a comparison with every edge. The ends must be given.

    Without them they are the least and the largest entry, which are looked for first.
    """
    values = x.reshape(-1)
    low: Any = min
    high: Any = max
    if min == max:
        low, high = values.amin(), values.amax()
    steps = torch.arange(bins + 1, dtype=x.dtype) / bins
    edges = low + (high - low) * steps
    reached = (values.unsqueeze(-1) >= edges).to(x.dtype).sum(0)
    beyond = (values > high).to(x.dtype).sum()
    return torch.cat((reached[:-2] - reached[1:-1], (reached[-2] - beyond).unsqueeze(0)))


def _along(protocol: Protocol, x: Secret, dim: int, function: Any) -> _Pair:
    if not x.dim():
        return Secret(protocol, number(protocol, x, x.dtype), x.dtype), torch.zeros_like(x, dtype=torch.int64)  # type: ignore[return-value]
    kind = torch.int64 if x.dtype == torch.bool else x.dtype
    laid_out = protocol.copied(lambda part: part.movedim(dim, -1), number(protocol, x, kind))
    values, places = function(laid_out)
    back = [protocol.copied(lambda part: part.movedim(-1, dim).clone(), share) for share in (values, places)]
    first, index = Secret(protocol, back[0], kind), Secret(protocol, back[1], torch.int64)
    mark_distinct(index)
    return (first if kind == x.dtype else first.to(torch.bool)), index  # type: ignore[return-value]


def _at(ordered: _Pair, x: Secret, place: int, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    if not x.dim():
        return ordered
    values, places = (one.narrow(dim, place, 1) for one in ordered)
    return (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))


def _count_before(sequence: Any, values: Any, right: bool, out_int32: bool) -> Tensor:
    before = sequence <= values if right else sequence < values
    out: Tensor = before.sum(-1)
    return out.to(torch.int32) if out_int32 else out
