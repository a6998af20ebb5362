"""Comparisons. The result is a secret of bits. With a public number: one opening; facts about signs are kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import Number, Operand, number, result_type
from tacit.tensor.registry import rule
from tacit.tensor.rules.linear import weighted_sum
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_RANGE = 1 << 62


@rule(aten.gt.Tensor, aten.gt.Scalar)
def gt(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """One comparison: 64 bits to open, 33 for the tree, three rounds."""
    return _order(protocol, x, y, strict=True)


@rule(aten.ge.Tensor, aten.ge.Scalar)
def ge(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """The same cost as ``>``."""
    return _order(protocol, x, y, strict=False)


@rule(aten.lt.Tensor, aten.lt.Scalar)
def lt(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """The same cost as ``>``."""
    return _order(protocol, y, x, strict=True)


@rule(aten.le.Tensor, aten.le.Scalar)
def le(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """The same cost as ``>``."""
    return _order(protocol, y, x, strict=False)


def _order(protocol: Protocol, x: Operand, y: Operand, strict: bool) -> Secret:
    """``[x > y]`` if strict, else ``[x >= y]``."""
    left, right = _as_scalar(x), _as_scalar(y)
    if (left is not None and math.isnan(left)) or (right is not None and math.isnan(right)):
        return Secret(protocol, protocol.public(torch.full(_shape(x, y), False), 0), torch.bool)
    if right is not None:
        return bits_above(protocol, cast(Secret, x), right, strict)
    if left is not None:  # left > x is not (x >= left)
        bits = bits_above(protocol, cast(Secret, y), left, not strict)
        return Secret(protocol, protocol.invert(bits._share), torch.bool)
    difference = _difference(protocol, x, y)
    return Secret(protocol, protocol.compare(difference, [1 if strict else 0])[0], torch.bool)


def bits_above(protocol: Protocol, x: Secret, y: Number, strict: bool) -> Secret:
    """``[x > y]`` or ``[x >= y]`` for a public number."""
    share = number(protocol, x, x.dtype if x.dtype != torch.bool else torch.int64)
    limit = threshold(share, y, strict)
    if abs(limit) >= _RANGE:
        return Secret(protocol, protocol.public(torch.full(share.shape, limit < 0), 0), torch.bool)
    if limit == 1:
        return Secret(protocol, protocol.positive(share), torch.bool)
    return Secret(protocol, protocol.compare(share, [limit])[0], torch.bool)


def threshold(x: Share, y: Number, strict: bool) -> int:
    """The smallest ring integer at the scale of x that is above (or at) y, which is no NaN.

    A fraction is rounded as ``encode`` rounds, so that 0.1 does not exceed 0.1; whole numbers are compared exactly.
    """
    if math.isinf(y):
        return _RANGE if y > 0 else -_RANGE
    if x.scale == 0:
        return math.floor(y) + 1 if strict else math.ceil(y)
    return round(math.ldexp(y, x.scale)) + int(strict)


@rule(aten.eq.Tensor, aten.eq.Scalar)
def eq(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """One equality test: 64 bits to open, 20 for the tree, three rounds; free for bits."""
    if result_type(x, y) == torch.bool:
        return Secret(protocol, protocol.invert(_different_bits(protocol, x, y)), torch.bool)
    for value in (_as_scalar(x), _as_scalar(y)):
        if value is not None and not math.isfinite(value):
            return Secret(protocol, protocol.public(torch.full(_shape(x, y), False), 0), torch.bool)
    return Secret(protocol, protocol.equals_zero(_difference(protocol, x, y)), torch.bool)


@rule(aten.ne.Tensor, aten.ne.Scalar)
def ne(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """The same cost as ``==``."""
    return Secret(protocol, protocol.invert(eq(protocol, x, y)._share), torch.bool)


@rule(aten.isnan.default)
def isnan(protocol: Protocol, x: Secret) -> Secret:
    """Never: fixed point has no NaN."""
    return Secret(protocol, protocol.public(torch.full(x.shape, False), 0), torch.bool)


def _different_bits(protocol: Protocol, x: Operand, y: Operand) -> Share:
    return protocol.xor(lifted(protocol, x, torch.bool), lifted(protocol, y, torch.bool))


def _difference(protocol: Protocol, x: Operand, y: Operand) -> Share:
    """``x - y``; as numbers, also of bits."""
    numbers: Sequence[Operand] = [
        z.to(torch.int64) if isinstance(z, Tensor) and z.dtype == torch.bool else z for z in (x, y)
    ]
    return weighted_sum(protocol, numbers[0], numbers[1], -1)._share


def _as_scalar(x: Operand) -> Number | None:
    """A public number; also where it came as a plain tensor without dimensions."""
    if isinstance(x, Secret):
        return None
    if isinstance(x, Tensor):
        return x.item() if x.dim() == 0 else None
    return x


def _shape(x: Operand, y: Operand) -> tuple[int, ...]:
    return tuple(torch.broadcast_shapes(*(z.shape for z in (x, y) if isinstance(z, Tensor))))
