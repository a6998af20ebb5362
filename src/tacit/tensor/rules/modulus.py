"""Whole quotients and remainders, by public and by secret numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.protocols._base import Protocol
from tacit.tensor.operands import result_type
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.remainder.Tensor, aten.remainder.Scalar, aten.remainder.Scalar_Tensor)
def remainder(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """``x - floor(x / y) * y``, with the sign of y. Exact for ``|x / y| < 2**13``; a division and a rounding."""
    return _divided(x, y)[1].to(result_type(x, y))


@rule(aten.fmod.Tensor, aten.fmod.Scalar)
def fmod(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """``x - trunc(x / y) * y``, with the sign of x. The range and cost of ``remainder``, and two absolute values."""
    rest = _divided(_size(x), _size(y))[1]
    return torch.where(x < 0, -rest, rest).to(result_type(x, y))


@rule(aten.floor_divide.default, aten.floor_divide.Scalar)
def floor_divide(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """``floor(x / y)``. The range and cost of ``remainder``."""
    return _divided(x, y)[0].to(result_type(x, y))


@rule(aten.div.Tensor_mode, aten.div.Scalar_mode)
def div_rounded(protocol: Protocol, x: Any, y: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Division, and its result downwards or towards zero. The range and cost of ``remainder`` and of two signs."""
    if rounding_mode is None:
        return torch.div(x, y)
    if rounding_mode == "floor":
        return floor_divide(protocol, x, y)
    whole = _divided(_size(x), _size(y))[0]
    negative = (x < 0) ^ (y < 0)
    return torch.where(negative, -whole, whole).to(result_type(x, y))


def _divided(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """``floor(x / y)`` and the remainder, as real numbers. The first guess may be one off, and is put right."""
    if (isinstance(y, Tensor) and not isinstance(y, Secret) and bool((y == 0).any())) or (
        not isinstance(y, Tensor) and y == 0
    ):
        raise ZeroDivisionError(f"a secret is divided by the public number 0 at {caller_line()}")
    x, y = _real(x), _real(y)
    downwards = y < 0
    if isinstance(downwards, Tensor):
        x, y = torch.where(downwards, -x, x), torch.where(downwards, -y, y)
    elif downwards:
        x, y = -x, -y
    whole = (x / y).floor()
    rest = x - whole * y
    low, high = rest < 0, rest >= y
    change = high.to(rest.dtype) - low.to(rest.dtype)
    whole, rest = whole + change, rest - change * y
    if isinstance(downwards, Tensor):
        rest = torch.where(downwards, -rest, rest)
    elif downwards:
        rest = -rest
    return whole, rest


def _real(x: Any) -> Any:
    if not isinstance(x, Tensor):
        return x
    return x if x.dtype.is_floating_point else x.to(torch.get_default_dtype())


def _size(x: Any) -> Any:
    return abs(x)
