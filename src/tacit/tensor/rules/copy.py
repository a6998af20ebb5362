"""Conversions between types, and overwriting."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.functions.rounding import truncated
from tacit.protocols._base import Protocol
from tacit.tensor.operands import number
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten._to_copy.default)
def to_copy(protocol: Protocol, x: Secret, *, dtype: torch.dtype | None = None, **layout: Any) -> Secret:
    """Between real types and from integers: free. From bits: one round, one bit. To bits: an equality test.

    To integers: towards zero; see ``tacit.functions.rounding``.
    """
    dtype = x.dtype if dtype is None else dtype
    if dtype == x.dtype:
        return Secret(protocol, protocol.copied(torch.clone, x._share), dtype)
    converted = cast(protocol, x, dtype)
    if converted._share.storage is x._share.storage:
        return Secret(protocol, protocol.copied(torch.clone, converted._share), dtype)
    return converted


def cast(protocol: Protocol, x: Secret, dtype: torch.dtype) -> Secret:
    """``x`` as another type; it may share the memory of x."""
    if dtype == x.dtype:
        return x
    if dtype == torch.bool:
        zero = protocol.equals_zero(x._share)
        return Secret(protocol, protocol.invert(zero), dtype)
    if dtype.is_complex:
        raise UnsupportedOpError(f"Converting a secret to {dtype} (at {caller_line()}) is not built.")
    if x.dtype.is_floating_point and not dtype.is_floating_point:
        return Secret(protocol, truncated(protocol, x._share, 0), dtype)
    return Secret(protocol, number(protocol, x, dtype), dtype)


@rule(aten.copy_.default)
def copy_(protocol: Protocol, target: Secret, source: Secret | Tensor, non_blocking: bool = False) -> Secret:
    """Free between numbers; a view's base changes with it."""
    if not isinstance(source, Secret):
        source = source.to(target.dtype)
    return overwrite(protocol, target, source)


@rule(aten.fill_.Scalar, aten.fill_.Tensor)
def fill_(protocol: Protocol, target: Secret, value: Any) -> Secret:
    """Free."""
    return overwrite(protocol, target, value if isinstance(value, Tensor) else torch.tensor(value, dtype=target.dtype))


@rule(aten.zero_.default)
def zero_(protocol: Protocol, target: Secret) -> Secret:
    """Free."""
    return overwrite(protocol, target, torch.zeros((), dtype=target.dtype))


def overwrite(protocol: Protocol, target: Secret, source: Secret | Tensor) -> Secret:
    """Write ``source``, broadcast and converted, into the memory of ``target``."""
    if isinstance(source, Secret) and source.dtype != target.dtype:
        source = cast(protocol, source, target.dtype)
    share = lifted(protocol, source, target.dtype)
    if share.shape != target._share.shape:
        shape = target._share.shape
        share = share.view(lambda part: part.expand(shape))
    protocol.write(target._share, share)
    return target
