"""Operations on lists of tensors, as optimizers with ``foreach=True`` use them: the rule of one, for each.

What is pending is settled for all at once, so a list takes as many rounds as one tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._ops import OpOverload

from tacit.protocols._base import Protocol
from tacit.protocols.share import required
from tacit.tensor.registry import find, rule
from tacit.tensor.rules import inplace
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_FAMILIES = (inplace,)
"""The rules that must be in the table before their forms for lists are made."""

# For each operation on lists, the one on tensors, and how many of its arguments are lists.
_LISTS: tuple[tuple[OpOverload, OpOverload, int], ...] = (
    (aten._foreach_add.List, aten.add.Tensor, 2),
    (aten._foreach_add_.List, aten.add_.Tensor, 2),
    (aten._foreach_add.Scalar, aten.add.Scalar, 1),
    (aten._foreach_add_.Scalar, aten.add_.Scalar, 1),
    (aten._foreach_sub.List, aten.sub.Tensor, 2),
    (aten._foreach_sub_.List, aten.sub_.Tensor, 2),
    (aten._foreach_mul.List, aten.mul.Tensor, 2),
    (aten._foreach_mul_.List, aten.mul_.Tensor, 2),
    (aten._foreach_mul.Scalar, aten.mul.Scalar, 1),
    (aten._foreach_mul_.Scalar, aten.mul_.Scalar, 1),
    (aten._foreach_mul.Tensor, aten.mul.Tensor, 1),
    (aten._foreach_mul_.Tensor, aten.mul_.Tensor, 1),
    (aten._foreach_neg.default, aten.neg.default, 1),
    (aten._foreach_neg_.default, aten.neg_.default, 1),
    (aten._foreach_clamp_min_.Scalar, aten.clamp_min_.default, 1),
    (aten._foreach_clamp_max_.Scalar, aten.clamp_max_.default, 1),
    (aten._foreach_zero_.default, aten.zero_.default, 1),
)


def _enter(op: OpOverload, single: OpOverload, lists: int) -> None:
    one = required(find(single)).rule

    @rule(op)
    def each(protocol: Protocol, *args: Any, **kwargs: Any) -> list[Secret] | None:
        columns: Sequence[Sequence[Any]] = args[:lists]
        results = [one(protocol, *row, *args[lists:], **kwargs) for row in zip(*columns, strict=True)]
        return results if op._schema.returns else None


for _op, _single, _lists in _LISTS:
    _enter(_op, _single, _lists)
