"""In-place operations: the result of the operation, written into the target's memory and so into all its views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._ops import OpOverload

from tacit.caller import caller_line
from tacit.errors import MisuseError
from tacit.protocols._base import Protocol
from tacit.protocols.share import required
from tacit.tensor.registry import find, rule, short_name
from tacit.tensor.rules import (
    bits,
    bitwise,
    compare,
    division,
    extreme,
    gather,
    linear,
    nonlinear,
    piecewise,
    powers,
    products,
    rounding,
    smooth,
    structural,
)
from tacit.tensor.rules.copy import overwrite
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_FAMILIES = (
    *(bits, bitwise, compare, division, extreme, gather, linear, nonlinear),
    *(piecewise, powers, products, rounding, smooth, structural),
)
"""The rules that must be in the table before their in-place forms are made."""

_PAIRS: tuple[tuple[OpOverload, OpOverload], ...] = (
    (aten.add_.Tensor, aten.add.Tensor),
    (aten.add_.Scalar, aten.add.Scalar),
    (aten.sub_.Tensor, aten.sub.Tensor),
    (aten.sub_.Scalar, aten.sub.Scalar),
    (aten.mul_.Tensor, aten.mul.Tensor),
    (aten.mul_.Scalar, aten.mul.Scalar),
    (aten.div_.Tensor, aten.div.Tensor),
    (aten.div_.Scalar, aten.div.Scalar),
    (aten.neg_.default, aten.neg.default),
    (aten.pow_.Scalar, aten.pow.Tensor_Scalar),
    (aten.lerp_.Scalar, aten.lerp.Scalar),
    (aten.lerp_.Tensor, aten.lerp.Tensor),
    (aten.addcmul_.default, aten.addcmul.default),
    (aten.addcdiv_.default, aten.addcdiv.default),
    *(
        (getattr(aten, f"{name}_").default, getattr(aten, name).default)
        for name in (
            *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "reciprocal", "sqrt", "rsqrt"),
            *(
                "sigmoid",
                "tanh",
                "erf",
                "erfc",
                "gelu",
                "silu",
                "floor",
                "ceil",
                "round",
                "trunc",
                "frac",
                "sin",
                "cos",
            ),
        )
    ),
    (aten.addmm_.default, aten.addmm.default),
    (aten.baddbmm_.default, aten.baddbmm.default),
    (aten.addmv_.default, aten.addmv.default),
    (aten.elu_.default, aten.elu.default),
    (aten.hardsigmoid_.default, aten.hardsigmoid.default),
    (aten.hardswish_.default, aten.hardswish.default),
    (aten.leaky_relu_.default, aten.leaky_relu.default),
    (aten.hardtanh_.default, aten.hardtanh.default),
    (aten.clamp_.default, aten.clamp.default),
    (aten.clamp_min_.default, aten.clamp_min.default),
    (aten.clamp_max_.default, aten.clamp_max.default),
    (aten.clamp_min_.Tensor, aten.clamp_min.Tensor),
    (aten.clamp_max_.Tensor, aten.clamp_max.Tensor),
    (aten.abs_.default, aten.abs.default),
    (aten.sign_.default, aten.sign.default),
    (aten.masked_fill_.Scalar, aten.masked_fill.Scalar),
    (aten.masked_fill_.Tensor, aten.masked_fill.Tensor),
    (aten.index_put_.default, aten.index_put.default),
    (aten.index_add_.default, aten.index_add.default),
    (aten.scatter_.src, aten.scatter.src),
    (aten.scatter_.value, aten.scatter.value),
    (aten.scatter_add_.default, aten.scatter_add.default),
    (aten.tril_.default, aten.tril.default),
    (aten.triu_.default, aten.triu.default),
    (aten.cumsum_.default, aten.cumsum.default),
    (aten.logical_and_.default, aten.logical_and.default),
    (aten.logical_or_.default, aten.logical_or.default),
    (aten.logical_xor_.default, aten.logical_xor.default),
    (aten.logical_not_.default, aten.logical_not.default),
    (aten.bitwise_and_.Tensor, aten.bitwise_and.Tensor),
    (aten.bitwise_or_.Tensor, aten.bitwise_or.Tensor),
    (aten.bitwise_xor_.Tensor, aten.bitwise_xor.Tensor),
    (aten.bitwise_and_.Scalar, aten.bitwise_and.Scalar),
    (aten.bitwise_or_.Scalar, aten.bitwise_or.Scalar),
    (aten.bitwise_xor_.Scalar, aten.bitwise_xor.Scalar),
    (aten.bitwise_not_.default, aten.bitwise_not.default),
    (aten.__ilshift__.Scalar, aten.__lshift__.Scalar),
    (aten.__ilshift__.Tensor, aten.__lshift__.Tensor),
    (aten.__irshift__.Scalar, aten.__rshift__.Scalar),
    (aten.__irshift__.Tensor, aten.__rshift__.Tensor),
    (aten.bitwise_left_shift_.Tensor, aten.bitwise_left_shift.Tensor),
    (aten.bitwise_left_shift_.Tensor_Scalar, aten.bitwise_left_shift.Tensor_Scalar),
    (aten.bitwise_right_shift_.Tensor, aten.bitwise_right_shift.Tensor),
    (aten.bitwise_right_shift_.Tensor_Scalar, aten.bitwise_right_shift.Tensor_Scalar),
)


def _enter(op: OpOverload, functional: Callable[..., Any]) -> None:
    @rule(op)
    def inplace(protocol: Protocol, target: Secret, *args: Any, **kwargs: Any) -> Secret:
        result = functional(protocol, target, *args, **kwargs)
        if result.shape != target.shape:
            raise MisuseError(
                f"{short_name(op)} at {caller_line()}: the result of shape {tuple(result.shape)} does not fit into the "
                f"target of shape {tuple(target.shape)}."
            )
        if not torch.can_cast(result.dtype, target.dtype):
            raise MisuseError(
                f"{short_name(op)} at {caller_line()}: the result is {result.dtype}, the target {target.dtype}. Use "
                "the operation that returns a new tensor."
            )
        return overwrite(protocol, target, result)


for _op, _functional in _PAIRS:
    _enter(_op, required(find(_functional)).rule)
