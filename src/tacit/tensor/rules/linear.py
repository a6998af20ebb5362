"""Sums, products and means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import EncodingError, UnsupportedOpError
from tacit.functions.choice import gated
from tacit.protocols._base import Protocol
from tacit.protocols.share import EVERYONE, Share
from tacit.ring.bilinear import MUL
from tacit.tensor.operands import (
    Number,
    Operand,
    addend,
    known_factor,
    number,
    result_type,
    saturated,
    scaled,
    times,
)
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import summands
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.add.Tensor, aten.add.Scalar)
def add(protocol: Protocol, x: Operand, y: Operand, alpha: Number = 1) -> Secret:
    """Free."""
    return weighted_sum(protocol, x, y, alpha)


@rule(aten.sub.Tensor, aten.sub.Scalar)
def sub(protocol: Protocol, x: Operand, y: Operand, alpha: Number = 1) -> Secret:
    """Free."""
    return weighted_sum(protocol, x, y, -alpha)


@rule(aten.rsub.Tensor, aten.rsub.Scalar)
def rsub(protocol: Protocol, x: Operand, y: Operand, alpha: Number = 1) -> Secret:
    """Free."""
    return weighted_sum(protocol, y, x, -alpha)


@rule(aten.neg.default)
def neg(protocol: Protocol, x: Secret) -> Secret:
    """Free."""
    return Secret(protocol, protocol.neg(number(protocol, x, x.dtype)), x.dtype)


def weighted_sum(protocol: Protocol, x: Operand, y: Operand, alpha: Number) -> Secret:
    """``x + alpha * y``."""
    dtype = result_type(x, y)
    if dtype == torch.bool:
        raise UnsupportedOpError(
            f"Sums of bits (at {caller_line()}) are not numbers: use x | y, x ^ y or x.float() + y."
        )
    return Secret(protocol, _sum(protocol, x, y, alpha, dtype), dtype)


def _sum(protocol: Protocol, x: Operand, y: Operand, alpha: Number, dtype: torch.dtype) -> Share:
    if not isinstance(x, Secret):
        right = _weighted(protocol, number(protocol, cast(Secret, y), dtype), alpha)
        return protocol.add(addend(protocol, _mask(protocol, x), right), right)
    left = number(protocol, x, dtype)
    if not isinstance(y, Secret):
        return protocol.add(left, addend(protocol, _mask(protocol, _times_plain(y, alpha)), left))
    right = number(protocol, y, dtype)
    if alpha == -1:
        return protocol.sub(left, right)
    return protocol.add(left, _weighted(protocol, right, alpha))


def _mask(protocol: Protocol, x: Tensor | Number) -> Tensor | Number:
    """A public tensor that is added may be a mask of minus infinities; a number may not."""
    return saturated(protocol, x) if isinstance(x, Tensor) else x


def _weighted(protocol: Protocol, x: Share, alpha: Number) -> Share:
    if alpha == 1:
        return x
    return protocol.neg(x) if alpha == -1 else scaled(protocol, x, alpha)


def _times_plain(y: Tensor | Number, alpha: Number) -> Tensor | Number:
    if alpha == 1:
        return y
    if isinstance(y, Tensor) and y.dtype.is_floating_point:
        return y.detach().double() * alpha
    if isinstance(y, Tensor):
        y = y.to(torch.int64)  # small and unsigned types have no room for the result
    return y * alpha


@rule(aten.mul.Tensor, aten.mul.Scalar)
def mul(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """A public factor: free. Two secrets: one round, 128 bits. A secret and a bit: one select. Left pending."""
    dtype = result_type(x, y)
    return Secret(protocol, product(protocol, x, y, dtype), dtype)


def product(protocol: Protocol, x: Operand, y: Operand, dtype: torch.dtype) -> Share:
    """``x * y`` as a share of type ``dtype``."""
    if not isinstance(x, Secret):
        x, y = cast(Secret, y), x
    if dtype == torch.bool:
        right = y._share if isinstance(y, Secret) else protocol.public(torch.as_tensor(y), 0)
        return protocol.both(x._share, right)
    if not isinstance(y, Secret):
        return scaled(protocol, number(protocol, x, dtype), y)
    for bit, other in ((x, y), (y, x)):
        if bit._share.storage.boolean:
            return gated(protocol, bit._share, number(protocol, other, dtype))
    left, right = number(protocol, x, dtype), number(protocol, y, dtype)
    for one, other_share in ((left, right), (right, left)):
        if one.storage.known_by == EVERYONE:
            return times(protocol, other_share, known_factor(one))
    if left.storage is right.storage and left.geometry == right.geometry:
        return protocol.square(left)
    return protocol.multiply(MUL, left, right)


def quotient(protocol: Protocol, x: Share, y: Tensor | Number) -> Share:
    """``x`` over a public number; free, left pending. Raises EncodingError for 0."""
    zero = y == 0
    if bool(zero.any()) if isinstance(zero, Tensor) else zero:
        where = f" at {zero.nonzero()[0].tolist()}" if isinstance(zero, Tensor) and zero.dim() else ""
        raise EncodingError(
            f"div at {caller_line()}: a secret is divided by a public number that is 0{where}. PyTorch gives inf or "
            "nan, and fixed point has only finite numbers. Replace zeros before: x / torch.where(y == 0, 1, y)."
        )
    return scaled(protocol, x, y.detach().double().reciprocal() if isinstance(y, Tensor) else 1 / float(y))


@rule(aten.mean.default)
def mean_all(protocol: Protocol, x: Secret, *, dtype: torch.dtype | None = None) -> Secret:
    """Free; left pending unless the number of elements is a power of two."""
    share, dtype = summands(protocol, x, dtype)
    total = protocol.linear(torch.sum, share)
    return Secret(protocol, quotient(protocol, total, max(1, x.numel())), dtype)


@rule(aten.mean.dim)
def mean_dims(
    protocol: Protocol, x: Secret, dim: Sequence[int] | None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Secret:
    """Free; left pending unless the number of elements is a power of two."""
    share, dtype = summands(protocol, x, dtype)
    total = protocol.linear(lambda part: part.sum(dim, keepdim), share)
    count = x.numel() // max(1, math.prod(total.shape))
    return Secret(protocol, quotient(protocol, total, max(1, count)), dtype)


@rule(aten.addcmul.default)
def addcmul(protocol: Protocol, x: Operand, y: Operand, z: Operand, *, value: Number = 1) -> Any:
    """``x + value * y * z``: the cost of ``y * z``."""
    return torch.add(x, torch.mul(y, z), alpha=value)


@rule(aten.lerp.Scalar, aten.lerp.Tensor)
def lerp(protocol: Protocol, start: Any, end: Any, weight: Any) -> Any:
    """``start + weight * (end - start)``: the cost of the product."""
    return start + weight * (end - start)
