"""What becomes large within an operation, though its result does not: sums of squares before their truncation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

SQUARING = {
    *("native_layer_norm", "native_group_norm", "native_batch_norm", "_fused_rms_norm", "rms_norm"),
    *("var", "var_mean", "mse_loss"),
}
LENGTHS = {"linalg_vector_norm", "unit_vectors", "std", "std_mean"}
"""Whose squares are of whole parts, whatever the fraction bits."""


def sums_of_squares(name: str, args: Sequence[Any], frac_bits: int) -> tuple[float, int] | None:
    """The largest sum of squares that the operation called ``name`` makes of plain ``args``, and its fraction bits.

    None if it makes none.
    """
    if name not in SQUARING | LENGTHS or not isinstance(args[0], Tensor) or not args[0].numel():
        return None
    found = _sums(name, args, args[0].detach().double())
    if found is None or not found.numel():
        return None
    size = torch.where(found.isnan(), 0, found)
    return float(size.max()), 0 if name in LENGTHS else 2 * frac_bits


def _sums(name: str, args: Sequence[Any], x: Tensor) -> Tensor | None:
    if name == "native_layer_norm":
        return _spread(x.flatten(x.dim() - len(args[1])))
    if name in ("_fused_rms_norm", "rms_norm"):
        return x.flatten(x.dim() - len(args[1])).square().sum(-1)
    if name == "native_group_norm":
        return _spread(x.reshape(args[3], args[6], -1))
    if name == "native_batch_norm":
        return _spread(x.movedim(1, 0).reshape(x.shape[1], -1)) if args[5] else None
    if name in ("var", "std", "var_mean", "std_mean"):
        dims = list(args[1]) if len(args) > 1 and args[1] else list(range(x.dim()))
        return (x - x.mean(dims, keepdim=True)).square().sum(dims)
    if name == "linalg_vector_norm":
        return x.square().sum(args[2] if len(args) > 2 else None) if len(args) < 2 or args[1] == 2 else None
    if name == "unit_vectors":
        return x.square().sum(args[1])
    squares: Tensor = (x - args[1]).square()  # mse_loss
    return squares.sum() if len(args) < 3 or args[2] else squares


def _spread(rows: Tensor) -> Tensor:
    return (rows - rows.mean(-1, keepdim=True)).square().sum(-1)
