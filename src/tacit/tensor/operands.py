"""What rules need to bring operands together: types as PyTorch promotes them, units, public numbers in the ring."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy
import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import EncodingError
from tacit.protocols import Protocol
from tacit.protocols.share import EVERYONE, Share, required
from tacit.ring.coding import RANGE_BITS
from tacit.ring.fixed_point import encode_public
from tacit.tensor.secret import Secret

Number = bool | int | float
Operand = Secret | Tensor | Number
Kind = tuple[torch.dtype | type[Number], bool]

_LOWEST = torch.finfo(torch.bfloat16).min / 2
"""A mask's entries at or below this mean minus infinity: half the least of bfloat16 and float32."""

_FEWEST_BITS = 12
"""Significant bits that a small public factor keeps at least, by a second truncation if the headroom is too little."""


def result_type(x: Operand, y: Operand) -> torch.dtype:
    """The type of ``x + y`` as PyTorch promotes."""
    if isinstance(x, Tensor) and isinstance(y, Tensor) and x.dtype == y.dtype:
        return x.dtype
    return _promoted(_kind(x), _kind(y), torch.get_default_dtype())


def _kind(x: Operand) -> Kind:
    return (x.dtype, x.dim() == 0) if isinstance(x, Tensor) else (type(x), False)


@cache
def _promoted(x: Kind, y: Kind, default: torch.dtype) -> torch.dtype:
    """PyTorch's own promotion of plain stand-ins: types, numbers and tensors without dimensions count differently."""
    return torch.result_type(_stand_in(x), _stand_in(y))


def _stand_in(kind: Kind) -> Any:
    what, without_dimensions = kind
    return torch.empty(() if without_dimensions else 0, dtype=what) if isinstance(what, torch.dtype) else what()


def dims_of(x: Tensor, dim: Sequence[int] | int | None) -> list[int]:
    """The dimensions of ``x`` that ``dim`` names, counted from 0 and in order; all of them if it names none.

    A tensor without dimensions has none, though PyTorch takes 0 and -1 for it. Raises what PyTorch raises.
    """
    if dim is None or (not isinstance(dim, int) and not len(dim)):
        return list(range(x.dim()))
    named = [dim] if isinstance(dim, int) else list(dim)
    most = max(1, x.dim())
    for d in named:
        if not -most <= d < most:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-most}, {most - 1}], but got {d})")
    found = sorted(d % most for d in named)
    for d, following in itertools.pairwise(found):
        if d == following:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return found if x.dim() else []


def unit_of(protocol: Protocol, dtype: torch.dtype) -> int:
    """The fraction bits of a settled secret of this type."""
    return protocol.settings.frac_bits if dtype.is_floating_point else 0


def number(protocol: Protocol, x: Secret, dtype: torch.dtype) -> Share:
    """The share of ``x`` as a number of type ``dtype``: bits become 0 and 1, integers fixed point."""
    share, unit = x._share, unit_of(protocol, dtype)
    if share.storage.boolean:
        return protocol.to_number(share, unit)
    return share if share.storage.unit == unit else protocol.with_unit(share, unit)


def addend(protocol: Protocol, value: Tensor | Number, x: Share) -> Share:
    """A public value as something to add to ``x``: at the scale of ``x``, which is settled if it leaves no room."""
    if x.storage.pending:
        try:
            return protocol.public(encode_public(value, x.scale), x.storage.unit, x.scale)
        except EncodingError:
            protocol.settle(x)
    return protocol.public(encode_public(value, x.scale), x.storage.unit, x.scale)


def saturated(protocol: Protocol, mask: Operand) -> Any:
    """A public additive mask with -inf and the smallest numbers of float types at what stands for them here.

    ``-2**20`` (nearer with narrow comparisons): its softmax is zero, and there is room for scores beside it. Anything
    else stays as it is; a positive infinity is no mask and will not encode.
    """
    if isinstance(mask, Secret) or (isinstance(mask, Tensor) and not mask.dtype.is_floating_point):
        return mask
    floor = -(2.0 ** min(20, protocol.settings.compare_bits - 4 - protocol.settings.frac_bits))
    if not isinstance(mask, Tensor):
        return floor if mask <= _LOWEST else mask
    forbidden = mask <= _LOWEST
    return torch.where(forbidden, floor, mask) if bool(forbidden.any()) else mask


def constant(protocol: Protocol, value: Tensor | Number, dtype: torch.dtype) -> Share:
    """A public value as a settled share of type ``dtype``."""
    if dtype == torch.bool:
        return protocol.public(torch.as_tensor(value).to(torch.bool), 0)
    unit = unit_of(protocol, dtype)
    return protocol.public(encode_public(value, unit), unit)


class Factor(NamedTuple):
    """A public factor: ``ring * 2**-(scale + shift)``, with as few fraction bits as hold it."""

    ring: Tensor
    scale: int
    shift: int = 0


def factor(protocol: Protocol, value: Tensor | Number) -> Factor:
    """Encode a public factor.

    Whole numbers and short binary fractions are exact; any other has at least 16 significant bits at its largest
    element (fewer where that is below 2**-8, but never fewer than 12).
    """
    frac_bits, most = protocol.settings.frac_bits, protocol.max_scale - protocol.settings.frac_bits
    if not isinstance(value, Tensor):
        return _number_factor(value, frac_bits, most)
    if not value.dtype.is_floating_point:
        return Factor(encode_public(value, 0), 0)
    largest = float(value.detach().abs().amax()) if value.numel() else 0.0
    scale, shift = _layout(largest, frac_bits, most)
    return reduced(encode_public(torch.ldexp(value.double(), torch.tensor(shift)), scale), scale, shift)


@lru_cache(4096)
def _number_factor(value: Number, frac_bits: int, most: int) -> Factor:
    if not isinstance(value, float):
        return Factor(encode_public(int(value), 0), 0)
    scale, shift = _layout(abs(value), frac_bits, most)
    mantissa, exponent = math.frexp(value)
    if abs(mantissa) == 0.5 and exponent < 1:  # a power of two is exact, however small
        return Factor(torch.tensor(1 if value > 0 else -1), 1 - exponent)
    return reduced(encode_public(math.ldexp(value, shift), scale), scale, shift)


def _layout(largest: float, frac_bits: int, most: int) -> tuple[int, int]:
    """Fraction bits and shift for a factor of which this is the largest element."""
    if not math.isfinite(largest):
        raise EncodingError(
            f"A secret at {caller_line()} meets a public factor that is NaN or infinite, and fixed point has only "
            "finite numbers. Replace it before (torch.where, torch.nan_to_num); where it is a mask, use masked_fill."
        )
    wanted = frac_bits + max(0, 1 - math.frexp(largest)[1])
    shift = wanted - most if wanted - most > frac_bits + 1 - _FEWEST_BITS else 0
    return min(wanted, most), shift


def known_factor(x: Share) -> Factor:
    """A secret that everybody knows as a public factor."""
    return reduced(required(x.clear), x.scale)


def reduced(ring: Tensor, scale: int, shift: int = 0) -> Factor:
    """The same factor with as few fraction bits as hold it exactly."""
    if scale == 0 or not ring.numel():
        return Factor(ring, scale, shift)
    bits = _union(ring)
    spare = min(scale, (bits & -bits).bit_length() - 1) if bits else scale
    return Factor(ring >> spare, scale - spare, shift) if spare else Factor(ring, scale, shift)


def _union(ring: Tensor) -> int:
    """A number whose lowest bit is the lowest that any element has."""
    if ring.dim() == 0:
        return int(ring)
    if ring.is_cpu:
        return int(numpy.bitwise_or.reduce(ring.contiguous().numpy(), axis=None))
    lowest = ring & -ring
    return int(torch.where(lowest > 0, lowest, 1 << RANGE_BITS).min())


def times(protocol: Protocol, x: Share, by: Factor) -> Share:
    """``x`` times a public factor, left pending."""
    if by.ring.dim() == 0 and abs(int(by.ring)) == 1:
        out = protocol.divide_by_power_of_two(x, by.scale) if by.scale else x
        out = protocol.neg(out) if int(by.ring) < 0 else out
        out = protocol.copied(torch.clone, out) if out is x else out
    else:
        out = protocol.times_public(x, by.ring, by.scale)
    return protocol.divide_by_power_of_two(out, by.shift) if by.shift else out


def scaled(protocol: Protocol, x: Share, value: Tensor | Number) -> Share:
    """``x`` times a public value, left pending; powers of two are exact."""
    return times(protocol, x, factor(protocol, value))


def public_operand(protocol: Protocol, value: Tensor, dtype: torch.dtype) -> Share:
    """A public operand of a matrix product or convolution, with as few fraction bits as hold it."""
    ring, scale, shift = factor(protocol, value)
    if shift:  # tiny everywhere: keep what the headroom holds
        ring, scale = encode_public(value, scale), scale
    return protocol.public(ring, unit_of(protocol, dtype), scale)


def slimmed(protocol: Protocol, x: Share) -> Share:
    """``x``, or the same value with fewer fraction bits if everybody knows it."""
    if x.storage.known_by != EVERYONE or x.scale == 0:
        return x
    ring, scale, _ = known_factor(x)
    return x if scale == x.scale else protocol.public(ring, x.storage.unit, scale)
