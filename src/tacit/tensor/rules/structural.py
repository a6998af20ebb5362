"""Moving, repeating and adding up elements: linear over the ring, so each part of a share does it alone; free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from tacit.functions.choice import choose
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import Number, addend, constant, number, result_type, saturated
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_COPYING: tuple[OpOverload, ...] = (
    aten.flip.default,
    aten.roll.default,
    aten.repeat.default,
    aten.tril.default,
    aten.triu.default,
    aten.slice_backward.default,
    aten.select_backward.default,
    aten.diagonal_backward.default,
    aten.unfold_backward.default,
    aten.pixel_shuffle.default,
    aten.pixel_unshuffle.default,
    aten.channel_shuffle.default,
)


def _enter(op: OpOverload) -> None:
    @rule(op)
    def copy(protocol: Protocol, x: Secret, *args: Any, **kwargs: Any) -> Secret:
        return Secret(protocol, protocol.copied(lambda part: op(part, *args, **kwargs), x._share), x.dtype)


for _op in _COPYING:
    _enter(_op)


@rule(aten.clone.default)
def clone(protocol: Protocol, x: Secret, *, memory_format: Any = None) -> Secret:
    """A copy; always contiguous."""
    return Secret(protocol, protocol.copied(torch.clone, x._share), x.dtype)


@rule(aten.cat.default)
def cat(protocol: Protocol, tensors: Sequence[Secret | Tensor], dim: int = 0) -> Secret:
    """Free; public members are lifted."""
    dtype = _common_type(tensors)
    tensors = [t for t in tensors if t.dim() != 1 or t.numel()]  # torch.cat skips these, but for their type
    return _joined(protocol, tensors, dtype, lambda *parts: torch.cat(parts, dim))


@rule(aten.stack.default)
def stack(protocol: Protocol, tensors: Sequence[Secret | Tensor], dim: int = 0) -> Secret:
    """Free; public members are lifted."""
    return _joined(protocol, tensors, _common_type(tensors), lambda *parts: torch.stack(parts, dim))


def _common_type(tensors: Sequence[Tensor]) -> torch.dtype:
    return reduce(torch.promote_types, [t.dtype for t in tensors])


def _joined(
    protocol: Protocol, tensors: Sequence[Secret | Tensor], dtype: torch.dtype, join: Callable[..., Tensor]
) -> Secret:
    return Secret(protocol, protocol.copied(join, *(lifted(protocol, t, dtype) for t in tensors)), dtype)


def lifted(protocol: Protocol, x: Secret | Tensor | Number, dtype: torch.dtype) -> Share:
    """Anything as a share of type ``dtype``: a number, or bits if ``dtype`` is bool."""
    if not isinstance(x, Secret):
        return constant(protocol, x, dtype)
    return x._share if dtype == torch.bool else number(protocol, x, dtype)


@rule(aten.constant_pad_nd.default)
def constant_pad_nd(protocol: Protocol, x: Secret, pad: Sequence[int], value: Number = 0) -> Secret:
    """Free."""
    padded = protocol.copied(lambda part: aten.constant_pad_nd(part, pad, 0), x._share)
    if value:
        frame = aten.constant_pad_nd(torch.zeros(x.shape, dtype=torch.float64), pad, float(value))
        if padded.storage.boolean:
            padded = protocol.xor(padded, constant(protocol, frame, torch.bool))
        else:
            padded = protocol.add(padded, addend(protocol, frame, padded))
    return Secret(protocol, padded, x.dtype)


@rule(aten.sum.default)
def sum_all(protocol: Protocol, x: Secret, *, dtype: torch.dtype | None = None) -> Secret:
    """Free (one round for bits)."""
    share, dtype = summands(protocol, x, dtype)
    return Secret(protocol, protocol.linear(torch.sum, share), dtype)


@rule(aten.sum.dim_IntList)
def sum_dims(
    protocol: Protocol, x: Secret, dim: Sequence[int] | None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Secret:
    """Free (one round for bits)."""
    share, dtype = summands(protocol, x, dtype)
    return Secret(protocol, protocol.linear(lambda part: part.sum(dim, keepdim), share), dtype)


@rule(aten.cumsum.default)
def cumsum(protocol: Protocol, x: Secret, dim: int, *, dtype: torch.dtype | None = None) -> Secret:
    """Free (one round for bits)."""
    share, dtype = summands(protocol, x, dtype)
    return Secret(protocol, protocol.linear(lambda part: part.cumsum(dim), share), dtype)


@rule(aten.trace.default)
def trace(protocol: Protocol, x: Secret) -> Secret:
    """Free."""
    share, dtype = summands(protocol, x, None)
    return Secret(protocol, protocol.linear(torch.trace, share), dtype)


def summands(protocol: Protocol, x: Secret, dtype: torch.dtype | None) -> tuple[Share, torch.dtype]:
    """What a sum adds up, and the type of the result: sums of bits and integers are int64, as in PyTorch."""
    if dtype is None:
        dtype = x.dtype if x.dtype.is_floating_point else torch.int64
    return number(protocol, x, dtype), dtype


@rule(aten.where.self)
def where(protocol: Protocol, condition: Secret | Tensor, x: Any, y: Any) -> Secret:
    """Free for a public condition; one select (a round and 65 bits) for a secret one."""
    dtype = result_type(x, y)
    left, right = (lifted(protocol, saturated(protocol, z), dtype) for z in (x, y))
    return Secret(protocol, chosen(protocol, condition, left, right), dtype)


@rule(aten.masked_fill.Scalar, aten.masked_fill.Tensor)
def masked_fill(protocol: Protocol, x: Secret | Tensor, mask: Secret | Tensor, value: Any) -> Secret:
    """The same cost as ``where``."""
    value = lifted(protocol, saturated(protocol, value), x.dtype)
    return Secret(protocol, chosen(protocol, mask, value, lifted(protocol, x, x.dtype)), x.dtype)


def chosen(protocol: Protocol, condition: Secret | Tensor, x: Share, y: Share) -> Share:
    """``x`` where the condition holds, else ``y``."""
    if isinstance(condition, Secret):
        return choose(protocol, condition._share, x, y)
    condition = protocol.placed(condition)
    return protocol.copied(lambda left, right: torch.where(condition, left, right), x, y)
