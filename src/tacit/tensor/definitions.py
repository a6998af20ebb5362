"""Operations that PyTorch does not have, defined by what they give on plain tensors; their rules are where others are.

So they stand in the table, in transcripts and in profiles, and debug sessions compare them, as PyTorch's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

_library = torch.library.Library("tacit", "DEF")


def _define(signature: str, function: Callable[..., Any]) -> OpOverload:
    name = _library.define(signature)
    _library.impl(name, function, "CompositeExplicitAutograd")
    packet: OpOverload = getattr(torch.ops.tacit, name).default
    return packet


def _unit_vectors(x: Tensor, dim: int, least: float) -> tuple[Tensor, Tensor]:
    length = torch.linalg.vector_norm(x, dim=dim, keepdim=True).clamp_min(least)
    return x / length, 1 / length


def _unit_vectors_backward(grad: Tensor, value: Tensor, inverse: Tensor, dim: int) -> Tensor:
    return (grad - value * (grad * value).sum(dim, keepdim=True)) * inverse


def _vector_norm_backward(grad: Tensor, x: Tensor, norm: Tensor, ord: float, dim: Sequence[int]) -> Tensor:
    size = x.abs()
    ratio = (size / norm) ** (ord - 1) if ord >= 1 else (norm / size) ** (1 - ord)
    return x.sgn() * torch.where((x == 0) | (norm == 0), 0, ratio) * grad


UNIT_VECTORS = _define("unit_vectors(Tensor x, int dim, float least) -> (Tensor, Tensor)", _unit_vectors)
"""Vectors along ``dim`` over their lengths, which count as ``least`` at least; and one over these."""

UNIT_VECTORS_BACKWARD = _define(
    "unit_vectors_backward(Tensor grad, Tensor value, Tensor inverse, int dim) -> Tensor", _unit_vectors_backward
)
"""From the gradient of unit vectors, and what ``unit_vectors`` gave, to that of the vectors."""

VECTOR_NORM_BACKWARD = _define(
    "vector_norm_backward(Tensor grad, Tensor x, Tensor norm, float ord, int[] dim) -> Tensor", _vector_norm_backward
)
"""The gradient of a norm; ``grad`` and ``norm`` have kept their dimensions, and ``dim`` names those of the norm."""


def whole(op: OpOverload, *args: Any) -> Any:
    """``op`` as one operation, though autograd or PyTorch would take it apart."""
    kinds = [type(arg) for arg in args if isinstance(arg, Tensor) and type(arg).__torch_dispatch__ is not _PLAIN]
    return kinds[0].__torch_dispatch__(op, (), args, {}) if kinds else op(*args)


_PLAIN = Tensor.__torch_dispatch__
