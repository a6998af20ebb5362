"""New tensors after the model of a secret: public constants as secrets, so that secrets can be written into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tacit.protocols._base import Protocol
from tacit.tensor.operands import Number, constant
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_Type = torch.dtype | None


@rule(aten.zeros_like.default, aten.empty_like.default)
def zeros_like(protocol: Protocol, x: Secret, *, dtype: _Type = None, **layout: Any) -> Secret:
    """Free, here and in every later product."""
    return filled(protocol, x.shape, 0, dtype or x.dtype)


@rule(aten.ones_like.default)
def ones_like(protocol: Protocol, x: Secret, *, dtype: _Type = None, **layout: Any) -> Secret:
    """Free, here and in every later product."""
    return filled(protocol, x.shape, 1, dtype or x.dtype)


@rule(aten.full_like.default)
def full_like(protocol: Protocol, x: Secret, value: Number, *, dtype: _Type = None, **layout: Any) -> Secret:
    """Free, here and in every later product."""
    return filled(protocol, x.shape, value, dtype or x.dtype)


@rule(aten.new_zeros.default, aten.new_empty.default)
def new_zeros(protocol: Protocol, x: Secret, size: Sequence[int], *, dtype: _Type = None, **layout: Any) -> Secret:
    """Free, here and in every later product."""
    return filled(protocol, size, 0, dtype or x.dtype)


@rule(aten.new_ones.default)
def new_ones(protocol: Protocol, x: Secret, size: Sequence[int], *, dtype: _Type = None, **layout: Any) -> Secret:
    """Free, here and in every later product."""
    return filled(protocol, size, 1, dtype or x.dtype)


@rule(aten.new_full.default)
def new_full(
    protocol: Protocol, x: Secret, size: Sequence[int], value: Number, *, dtype: _Type = None, **layout: Any
) -> Secret:
    """Free, here and in every later product."""
    return filled(protocol, size, value, dtype or x.dtype)


@rule(aten.new_empty_strided.default)
def new_empty_strided(
    protocol: Protocol, x: Secret, size: Sequence[int], stride: Sequence[int], *, dtype: _Type = None, **layout: Any
) -> Secret:
    """Zeros in a given layout; free."""
    extent = 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if 0 not in size else 0
    flat = filled(protocol, [extent], 0, dtype or x.dtype)
    return flat.viewed(lambda part: part.as_strided(size, stride))


def filled(protocol: Protocol, size: Sequence[int], value: Number, dtype: torch.dtype) -> Secret:
    """A secret whose value everybody knows."""
    ring = constant(protocol, torch.full((), value, dtype=torch.float64 if dtype.is_floating_point else dtype), dtype)
    return Secret(protocol, protocol.linear(lambda part: part.expand(tuple(size)), ring), dtype)
