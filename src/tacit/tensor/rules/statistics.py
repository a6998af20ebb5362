"""Variances, deviations and norms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import MisuseError
from tacit.protocols._base import Protocol
from tacit.tensor.operands import Number, dims_of
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_Dims = Sequence[int] | None


@rule(aten.var.correction)
def var(
    protocol: Protocol, x: Secret, dim: _Dims = None, *, correction: Number | None = None, keepdim: bool = False
) -> Tensor:
    """One square: a round and 64 bits an element; left pending."""
    return _moments(x, dim, correction, keepdim)[0]


@rule(aten.std.correction)
def std(
    protocol: Protocol, x: Secret, dim: _Dims = None, *, correction: Number | None = None, keepdim: bool = False
) -> Tensor:
    """``var`` and a root a row."""
    return _moments(x, dim, correction, keepdim)[0].sqrt()


@rule(aten.var_mean.correction)
def var_mean(
    protocol: Protocol, x: Secret, dim: _Dims = None, *, correction: Number | None = None, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """The cost of ``var``."""
    return _moments(x, dim, correction, keepdim)


@rule(aten.std_mean.correction)
def std_mean(
    protocol: Protocol, x: Secret, dim: _Dims = None, *, correction: Number | None = None, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """The cost of ``std``."""
    spread, mean = _moments(x, dim, correction, keepdim)
    return spread.sqrt(), mean


def _moments(x: Tensor, dim: _Dims, correction: Number | None, keepdim: bool) -> tuple[Tensor, Tensor]:
    dims = dims_of(x, dim)
    mean = x.mean(dims, keepdim=True)
    count = math.prod(x.shape[d] for d in dims)
    freedom = count - (1 if correction is None else correction)
    if freedom <= 0:
        raise MisuseError(
            f"the variance of {count} elements with a correction of {count - freedom:g} (at {caller_line()}) is not a "
            "number in PyTorch, and fixed point has only numbers. Give correction=0 (unbiased=False), or more elements."
        )
    squares = ((x - mean) ** 2).sum(dims, keepdim=keepdim)
    spread = squares / freedom
    return spread, mean if keepdim else mean.reshape(spread.shape)


@rule(aten.linalg_vector_norm.default)
def vector_norm(
    protocol: Protocol,
    x: Secret,
    ord: Number = 2,
    dim: _Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """2: a square and a root a row. 1, inf and -inf: absolute values. 0: equality tests.

    Others, p: the largest (p < 0: smallest) size times the norm of the shares that it has of the others, or they of it;
    the result is within 2e-4 of itself and a unit, however large or small the entries are. A tournament, a division and
    a power for each entry, an equality test and a power a row.
    """
    value: Tensor = x if dtype is None else x.to(dtype)
    dims = dims_of(x, dim)
    if ord == 2:
        return (value * value).sum(dims, keepdim=keepdim).sqrt()
    if ord == 0:
        return (value != 0).to(value.dtype).sum(dims, keepdim=keepdim)
    size = value.abs()
    if ord == 1:
        return size.sum(dims, keepdim=keepdim)
    if math.isinf(ord):
        return size.amax(dims, keepdim=keepdim) if ord > 0 else size.amin(dims, keepdim=keepdim)
    lead = size.amax(dims, keepdim=True) if ord > 0 else size.amin(dims, keepdim=True)
    blank = (lead == 0).to(value.dtype)
    shares = size / (lead + blank) if ord > 0 else lead / (size + (size == 0).to(value.dtype))
    total = (shares ** abs(ord)).sum(dims, keepdim=True) + blank
    out: Tensor = lead * total ** (1 / ord)
    return out if keepdim else out.squeeze(dims)
