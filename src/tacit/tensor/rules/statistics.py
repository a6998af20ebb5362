"""Variances and deviations."""

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
    """A length: see ``tacit.functions.length``. Equal numbers have none, and no gradient."""
    dims, correction = _freedom(x, dim, correction)
    return deviation(x, dims, correction, keepdim)


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
    dims, correction = _freedom(x, dim, correction)
    return deviation(x, dims, correction, keepdim), x.mean(dims, keepdim=keepdim)


def deviation(x: Tensor, dims: list[int], correction: Number, keepdim: bool) -> Tensor:
    """The standard deviation over ``dims`` of more elements than ``correction``."""
    count = math.prod(x.shape[d] for d in dims)
    length = torch.linalg.vector_norm(_centred(x, dims), 2, dims, keepdim)
    out: Tensor = length / math.sqrt(count - correction)
    return out


def _centred(x: Tensor, dims: list[int]) -> Tensor:
    """``x`` less its mean. Both are taken from the first element, so that nothing is left of equal numbers."""
    first = x.detach()
    for d in dims:
        first = first.narrow(d, 0, 1)
    above = x - first
    out: Tensor = above - above.mean(dims, keepdim=True)
    return out


def _moments(x: Tensor, dim: _Dims, correction: Number | None, keepdim: bool) -> tuple[Tensor, Tensor]:
    dims, correction = _freedom(x, dim, correction)
    freedom = math.prod(x.shape[d] for d in dims) - correction
    spread = (_centred(x, dims) ** 2).sum(dims, keepdim=keepdim) / freedom
    return spread, x.mean(dims, keepdim=keepdim)


def _freedom(x: Tensor, dim: _Dims, correction: Number | None) -> tuple[list[int], Number]:
    """The dimensions, and the correction. Raises MisuseError where no variance is a number."""
    dims = dims_of(x, dim)
    count = math.prod(x.shape[d] for d in dims)
    less: Number = 1 if correction is None else correction
    if count <= less:
        raise MisuseError(
            f"the variance of {count} elements with a correction of {less:g} (at {caller_line()}) is not a "
            "number in PyTorch, and fixed point has only numbers. Give correction=0 (unbiased=False), or more elements."
        )
    return dims, less
