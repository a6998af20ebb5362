"""Integers and bits among the operands: promoted or refused as PyTorch does, before a rule sees them.

A rule that computes with numbers need not think of what exp, clamp or logsumexp make of an integer, and what PyTorch
refuses for a type is refused at every party alike, also where only one of them would have run into it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from tacit.caller import caller_line
from tacit.tensor.geometry import answer_of
from tacit.tensor.registry import short_name

_ABOUT_TYPES = re.compile(r"bool|long|int\b|byte|char|short|dtype|type|integ|floating", re.IGNORECASE)

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def promoted(
    kind: type[Any],
    op: OpOverload,
    tensors: Sequence[Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Arguments:
    """The arguments with a secret (of type ``kind``) that ``op`` promotes in its result's type.

    Integers are free; bits cost what making numbers of them costs. tensors: all of ``args`` and ``kwargs``.
    Raises what PyTorch raises where it has no such operation for these types.
    """
    if all(tensor.dtype.is_floating_point for tensor in tensors):
        return args, kwargs
    answer = answer_of(op, args, kwargs)
    if answer.refusal is not None:
        _refuse(op, answer.refusal)
    if len(tensors) != 1 or not _computes(op) or len(answer.outlines) != 1 or answer.outlines[0] is None:
        return args, kwargs
    dtype = answer.outlines[0].dtype
    if dtype in (tensors[0].dtype, torch.bool) or not (dtype.is_floating_point or torch.Tag.pointwise in op.tags):
        return args, kwargs

    def converted(secret: Tensor) -> Tensor:
        return secret.to(dtype)

    return tree_map_only(kind, converted, args), tree_map_only(kind, converted, kwargs)


@cache
def _computes(op: OpOverload) -> bool:
    return torch.Tag.pointwise in op.tags or torch.Tag.reduction in op.tags


def _refuse(op: OpOverload, error: Exception) -> None:
    """Raise ``error`` again if it is about types, and not about the zeros that PyTorch was asked with."""
    if not _ABOUT_TYPES.search(str(error)):
        return
    words = str(error).splitlines()[0].strip()
    raise type(error)(f"{short_name(op)} at {caller_line()}, as in PyTorch: {words}")
