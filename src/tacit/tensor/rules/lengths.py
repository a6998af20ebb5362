"""Norms of vectors, vectors at length 1, and the gradients of both."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.functions import length as lengths
from tacit.functions.length import Moved
from tacit.functions.scale import settled_at
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MUL
from tacit.tensor.definitions import UNIT_VECTORS, UNIT_VECTORS_BACKWARD, VECTOR_NORM_BACKWARD
from tacit.tensor.operands import Number, dims_of
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_Dims = Sequence[int] | None
_MOVED, _SHARES = "moved rows", "shares of the largest"
"""Facts that stay with a norm for its gradient."""

_LEAST_SHARE = 2.0**-24
"""Smaller shares of the largest entry count as this in norms of orders between 0 and 1: quotients stay below 2**26."""


@rule(UNIT_VECTORS)
def unit_vectors(protocol: Protocol, x: Tensor, dim: int, least: float) -> tuple[Secret, Secret]:
    """Error 1e-4 and 3 units, for lengths below 2**31; 19 rounds, 56 bytes an entry. See ``tacit.functions.length``.

    least: what the length of a vector of zeros counts as, ``shortest``.
    """
    found = lengths.unit_vectors(protocol, lengths.moved(protocol, lifted(protocol, x.movedim(dim, -1), x.dtype)))
    value, inverse = (Secret(protocol, share.view(lambda part: part.movedim(-1, dim)), x.dtype) for share in found)
    return value, inverse


@rule(UNIT_VECTORS_BACKWARD)
def unit_vectors_backward(protocol: Protocol, grad: Tensor, value: Secret, inverse: Secret, dim: int) -> Secret:
    """Two products, and one with the inverse length; below 2**24."""
    inner = grad - value * (grad * value).sum(dim, keepdim=True)
    out = protocol.multiply(MUL, lifted(protocol, inner, value.dtype), inverse._share)
    return Secret(protocol, settled_at(protocol, out, protocol.settings.frac_bits), value.dtype)


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
    """2: a square, a product and a root a row, for norms below 2**31. 1, inf, -inf: absolute values. 0: equality tests.

    Others, p: the largest (p < 0: smallest) size times the norm of the shares that it has of the others, or they of it;
    the result is within 2e-4 of itself and a unit, however large or small the entries are. A tournament, a division and
    a power for each entry, an equality test and a power a row. (0 < p < 1: shares below 2**-24 count as that.)
    """
    value: Tensor = x if dtype is None else x.to(dtype)
    dims = dims_of(x, dim)
    if ord == 2:
        return _length(protocol, value, dims, keepdim)
    if ord == 0:
        return (value != 0).to(value.dtype).sum(dims, keepdim=keepdim)
    size = value.abs()
    if ord == 1:
        return size.sum(dims, keepdim=keepdim)
    if math.isinf(ord):
        return size.amax(dims, keepdim=keepdim) if ord > 0 else size.amin(dims, keepdim=keepdim)
    lead, shares, total = _parts(size, ord, dims)
    out: Tensor = lead * total ** (1 / ord)
    out = out if keepdim else out.squeeze(dims)
    if isinstance(out, Secret):
        out._share.storage.facts[_SHARES] = lead, shares, total
    return out


def _length(protocol: Protocol, x: Tensor, dims: Sequence[int], keepdim: bool) -> Secret:
    rows = lengths.moved(protocol, lifted(protocol, _rows(x, dims), x.dtype))
    share = lengths.length(protocol, rows)
    share.storage.facts[_MOVED] = rows
    kept = [1 if d in dims else n for d, n in enumerate(x.shape)]
    shape = kept if keepdim else [n for d, n in enumerate(x.shape) if d not in dims]
    return Secret(protocol, share.view(lambda part: part.view(shape)), x.dtype)


def _rows(x: Tensor, dims: Sequence[int]) -> Tensor:
    """The dimensions ``dims`` as one, the last."""
    if not x.dim():
        return x.view(1)
    first = x.dim() - len(dims)
    return x.movedim(tuple(dims), tuple(range(first, x.dim()))).flatten(first)


def _parts(size: Tensor, ord: Number, dims: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """The largest size (ord < 0: the smallest), the shares of at most 1, and the sum of their powers, 1 for zeros.

    Between 0 and 1, where small shares count for much, it is one over the shares, up to ``2**24``.
    """
    lead = size.amax(dims, keepdim=True) if ord > 0 else size.amin(dims, keepdim=True)
    blank = (lead == 0).to(size.dtype)
    if 0 < ord < 1:
        multiples = lead / torch.maximum(size, lead * _LEAST_SHARE)
        powers = multiples**-ord * (size != 0).to(size.dtype)
        return lead, multiples, powers.sum(dims, keepdim=True) + blank
    shares = size / (lead + blank) if ord > 0 else lead / (size + (size == 0).to(size.dtype))
    return lead, shares, (shares ** abs(ord)).sum(dims, keepdim=True) + blank


@rule(VECTOR_NORM_BACKWARD)
def vector_norm_backward(
    protocol: Protocol, grad: Tensor, x: Secret, norm: Secret, ord: float, dim: Sequence[int]
) -> Tensor:
    """Uses what the forward pass found. 2: a root a row and two products. Others: a power for each entry and a row.

    ``sign(x) * s**(ord - 1)`` over the norm of the shares s to that power; error 1e-3 of the largest entry.
    """
    if ord == 2:
        return grad * _directions(protocol, x, norm, dim)
    size = x.abs()
    found = norm._share.storage.facts.get(_SHARES)
    _, shares, total = found or _parts(size, ord, list(dim))
    return shares ** abs(ord - 1) * total ** (1 / ord - 1) * grad * x.sgn()


def _directions(protocol: Protocol, x: Secret, norm: Secret, dims: Sequence[int]) -> Tensor:
    """``x / norm``."""
    rows: Moved | None = norm._share.storage.facts.get(_MOVED)
    laid_out = _rows(x, dims)
    if rows is None:
        rows = lengths.moved(protocol, lifted(protocol, laid_out, x.dtype))
    value: Share = lengths.unit_vectors(protocol, rows)[0]
    out: Tensor = Secret(protocol, value, x.dtype)
    if not x.dim():
        return out.view(())
    first = x.dim() - len(dims)
    out = out.unflatten(-1, [x.shape[d] for d in dims])
    return out.movedim(tuple(range(first, x.dim())), tuple(dims))
