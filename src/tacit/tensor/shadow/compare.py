"""What differs too much, and what may differ: the tolerances of debug sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tacit.protocols.debug import beyond
from tacit.ring.coding import RANGE_BITS
from tacit.tensor.intermediates import sums_of_squares

UNITS, RELATIVE = 16, 2.0**-9
"""What an operation may be off by for its own arguments, in units of ``2**-frac_bits`` and in parts of the result."""

DRIFT = 2.0**-5
"""What a value may have drifted from its course, in parts of the largest of its tensor; and half the fraction bits."""

SATURATED = 2.0**18
"""From here on values may stand for minus infinity in a mask: no measure for the others of their tensor."""

JUMPING = {
    *("sign", "sgn", "floor", "ceil", "round", "trunc", "frac", "threshold_backward", "leaky_relu_backward"),
    *("hardtanh_backward", "hardsigmoid_backward", "hardswish_backward", "elu_backward"),
    *("binary_cross_entropy_backward", "logit_backward"),
}
"""Operations on reals that jump: a digit below the last decides which way, and either is right."""

WITH_POLES = {"log", "log2", "log10", "log1p", "reciprocal", "div", "rsqrt", "logit", "addcdiv", "binary_cross_entropy"}
"""Operations that are infinite at some arguments, where secrets have a large finite value."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a result. beyond: it left the range, rather than being inaccurate."""

    text: str
    beyond: bool = False


def overflow(name: str, wanted: Tensor, scale: int, pending: bool) -> Fault | None:
    """Whether a result does not fit the ring at its scale, of which fraction bits of a pending product are a part."""
    if not wanted.dtype.is_floating_point or not wanted.numel():
        return None
    size = wanted.abs()
    limit = 2.0 ** (RANGE_BITS - scale)
    found = (size >= limit) & (size.isfinite() if name in WITH_POLES or name.startswith("pow") else ~size.isnan())
    if not bool(found.any()):
        return None
    what = "the result" + (" before its truncation" if pending else "")
    return Fault(beyond(what, float(size[found].max()), scale), beyond=True)


def squares_overflow(name: str, args: Sequence[Any], frac_bits: int) -> Fault | None:
    """Whether sums of squares that an operation makes of plain ``args`` do not fit before their truncation."""
    found = sums_of_squares(name, args, frac_bits)
    if found is None or found[0] < 2.0 ** (RANGE_BITS - found[1]):
        return None
    return Fault(beyond("a sum of squares before its truncation", *found), beyond=True)


def poles(own: Tensor, wanted: Tensor) -> str | None:
    """Which results are infinite or no number where the secret's own is one, for people; None if none is."""
    if not wanted.dtype.is_floating_point:
        return None
    where = ~wanted.isfinite()
    if not bool(where.any()):
        return None
    flat = int(where.reshape(-1).to(torch.uint8).argmax())
    position = f" at {[int(i) for i in torch.unravel_index(torch.tensor(flat), where.shape)]}" if where.dim() else ""
    values = f"{float(own.reshape(-1)[flat]):.6g} where PyTorch gives {float(wanted.reshape(-1)[flat])}"
    return f"gives {values}{position} ({int(where.sum())} of {where.numel()} elements)"


def off(name: str, got: Tensor, wanted: Tensor, frac_bits: int) -> Tensor:
    """Where ``got`` is not what the operation gives for its arguments as they are."""
    if not wanted.dtype.is_floating_point:
        return got != wanted
    return ((got - wanted).abs() > _allowed(wanted, frac_bits)) & wanted.isfinite()


def outside(got: Tensor, results: list[Tensor], frac_bits: int) -> Tensor:
    """Where ``got`` is not even near any of what the operation gives for arguments a unit or two away."""
    if not got.dtype.is_floating_point:
        stacked = torch.stack([result.to(torch.int64) for result in results])
        return (got.to(torch.int64) < stacked.amin(0)) | (got.to(torch.int64) > stacked.amax(0))
    stacked = torch.stack(results)
    low, high = stacked.amin(0), stacked.amax(0)
    margin = (high - low) + _allowed(results[0], frac_bits)
    near = (got >= low - margin) & (got <= high + margin)
    return ~near & stacked.isfinite().all(0)


def drifted(got: Tensor, ideal: Tensor, frac_bits: int) -> Tensor:
    """Where ``got`` left the course on which PyTorch's values are."""
    if not ideal.numel():
        return torch.zeros(ideal.shape, dtype=torch.bool)
    size = ideal.abs()
    usual = torch.where((size < SATURATED) & size.isfinite(), size, 0).amax()
    allowed = 2.0 ** -(frac_bits // 2) + DRIFT * torch.maximum(size, usual)
    return ((got - ideal).abs() > allowed) & ideal.isfinite()


def first(where: Tensor, got: Tensor, wanted: Tensor) -> str:
    """The worst element of ``where``, for people."""
    error = torch.where(where, (got.double() - wanted.double()).abs(), -1)
    flat = int(error.reshape(-1).argmax())
    position = [int(i) for i in torch.unravel_index(torch.tensor(flat), where.shape)] if where.dim() else []
    values = f"{float(got.reshape(-1)[flat]):.6g} instead of {float(wanted.reshape(-1)[flat]):.6g}"
    return f"{values} at {position} ({int(where.sum())} of {where.numel()} elements)" if position else values


def _allowed(wanted: Tensor, frac_bits: int) -> Tensor:
    return UNITS * 2.0**-frac_bits + RELATIVE * wanted.abs()
