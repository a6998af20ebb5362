"""Bits of secret integers: and, or, exclusive or, not, shifts by public amounts. On secrets of bits, plain logic.

Everything reads the low bits that the type has. As with sums and products, what a left shift pushes beyond the type
leaves the value only when it is revealed or taken apart.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.protocols._base import Protocol, bit_weights
from tacit.protocols.share import Share
from tacit.tensor.operands import Number, Operand, number, result_type
from tacit.tensor.registry import rule
from tacit.tensor.rules.bits import logical_and, logical_not, logical_or, logical_xor
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


@rule(aten.bitwise_and.Tensor, aten.bitwise_and.Scalar, aten.bitwise_and.Scalar_Tensor)
def bitwise_and(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """Secret integers: six rounds and 65 bytes for int64. With a public one: five rounds, and only the bits it has."""
    dtype = _integer(result_type(x, y), bits=True)
    if dtype == torch.bool:
        return logical_and(protocol, x, y)
    return Secret(protocol, _and(protocol, x, y, dtype), dtype)


@rule(aten.bitwise_or.Tensor, aten.bitwise_or.Scalar, aten.bitwise_or.Scalar_Tensor)
def bitwise_or(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """``x + y - (x & y)``."""
    dtype = _integer(result_type(x, y), bits=True)
    if dtype == torch.bool:
        return logical_or(protocol, x, y)
    total = protocol.add(_lifted(protocol, x, dtype), _lifted(protocol, y, dtype))
    return Secret(protocol, protocol.sub(total, _and(protocol, x, y, dtype)), dtype)


@rule(aten.bitwise_xor.Tensor, aten.bitwise_xor.Scalar, aten.bitwise_xor.Scalar_Tensor)
def bitwise_xor(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """Secret integers: five rounds and 49 bytes for int64. With a public one ``x + y - 2 (x & y)``."""
    dtype = _integer(result_type(x, y), bits=True)
    if dtype == torch.bool:
        return logical_xor(protocol, x, y)
    if isinstance(x, Secret) and isinstance(y, Secret):
        return Secret(protocol, _number_of(protocol, protocol.xor(*_two(protocol, x, y, dtype)), dtype), dtype)
    total = protocol.add(_lifted(protocol, x, dtype), _lifted(protocol, y, dtype))
    common = _and(protocol, x, y, dtype)
    return Secret(protocol, protocol.sub(protocol.sub(total, common), common), dtype)


@rule(aten.bitwise_not.default)
def bitwise_not(protocol: Protocol, x: Secret) -> Secret:
    """Free: ``-1 - x``, or 255 - x."""
    if x.dtype == torch.bool:
        return logical_not(protocol, x)
    ones = _lifted(protocol, torch.full(x.shape, -1, dtype=torch.int64).to(_integer(x.dtype)), x.dtype)
    return Secret(protocol, protocol.sub(ones, x._share), x.dtype)


@rule(
    *(aten.__lshift__.Scalar, aten.__lshift__.Tensor),
    *(aten.bitwise_left_shift.Tensor, aten.bitwise_left_shift.Tensor_Scalar),
)
def left_shift(protocol: Protocol, x: Operand, amount: Operand) -> Secret:
    """Free."""
    share, places, dtype = _shifted(protocol, x, amount)
    inside = (places >= 0) & (places < torch.iinfo(dtype).bits)
    factor = inside.to(torch.int64) << torch.where(inside, places, 0)
    return Secret(protocol, protocol.times_public(share, factor, 0), dtype)


@rule(
    *(aten.__rshift__.Scalar, aten.__rshift__.Tensor),
    *(aten.bitwise_right_shift.Tensor, aten.bitwise_right_shift.Tensor_Scalar),
)
def right_shift(protocol: Protocol, x: Operand, amount: Operand) -> Secret:
    """Arithmetic: the sign stays. Five rounds and 28 bytes for int64."""
    share, places, dtype = _shifted(protocol, x, amount)
    width, most = torch.iinfo(dtype).bits, torch.iinfo(dtype).bits - dtype.is_signed
    places = torch.where((places < 0) | (places > most), most, places)
    left = torch.arange(width).view(-1, *(1,) * places.dim()) - places  # where each bit goes
    weights = (left >= 0).to(torch.int64) << left.clamp(min=0)
    if dtype.is_signed:
        weights[-1] = -weights[-1]
    return Secret(protocol, _weighted(protocol, share, weights), dtype)


def _integer(dtype: torch.dtype, bits: bool = False) -> torch.dtype:
    """``dtype``, which must be of integers (or of bits, where they will do). Raises ``UnsupportedOpError``."""
    if dtype in _INTEGERS or (bits and dtype == torch.bool):
        return dtype
    raise UnsupportedOpError(f"Operations on the bits of {dtype} (at {caller_line()}): they take integers or bits.")


def _lifted(protocol: Protocol, x: Operand, dtype: torch.dtype) -> Share:
    """Anything as a share of integers of type ``dtype``."""
    return number(protocol, x, dtype) if isinstance(x, Secret) else protocol.public(_wrapped(x, dtype), 0)


def _wrapped(value: Tensor | Number, dtype: torch.dtype) -> Tensor:
    """A public value as ring integers that are numbers of type ``dtype``."""
    return torch.as_tensor(value).to(dtype).to(torch.int64)


def _and(protocol: Protocol, x: Operand, y: Operand, dtype: torch.dtype) -> Share:
    if isinstance(x, Secret) and isinstance(y, Secret):
        return _number_of(protocol, protocol.both(*_two(protocol, x, y, dtype)), dtype)
    secret, public = (x, y) if isinstance(x, Secret) else (y, x)
    share, mask = _lifted(protocol, secret, dtype), _wrapped(public, dtype)
    if mask.numel() and int(mask.max()) < 0:  # what the mask clears is less
        return protocol.sub(share, _masked(protocol, share, ~mask, dtype))
    return _masked(protocol, share, mask, dtype)


def _masked(protocol: Protocol, share: Share, mask: Tensor, dtype: torch.dtype) -> Share:
    """``share & mask`` for a public mask."""
    weights = bit_weights(torch.iinfo(dtype).bits, dtype.is_signed)
    places = torch.arange(len(weights)).view(-1, *(1,) * mask.dim())
    return _weighted(protocol, share, ((mask >> places) & 1) * weights.view(places.shape))


def _weighted(protocol: Protocol, share: Share, weights: Tensor) -> Share:
    """The sum of the bits of ``share`` times public weights ``[width, ...]``; takes only those that have a weight."""
    used = [j for j, row in enumerate(weights) if bool(row.any())]
    if not used:
        return protocol.times_public(share, torch.zeros(weights.shape[1:], dtype=torch.int64), 0)
    rows = protocol.placed(torch.tensor(used))
    found = protocol.linear(lambda part: part[rows], protocol.bits(share, used[-1] + 1))
    dims = max(len(share.shape), weights.dim() - 1)
    factors = protocol.placed(_at_rank(weights[used], dims))
    return protocol.linear(lambda part: (_at_rank(part, dims) * factors).sum(0), protocol.to_number(found, 0))


def _at_rank(rows: Tensor, dims: int) -> Tensor:
    """Rows of tensors as rows of tensors of ``dims`` dimensions, as broadcasting has it."""
    return rows.reshape(rows.shape[0], *(1,) * (dims + 1 - rows.dim()), *rows.shape[1:])


def _two(protocol: Protocol, x: Secret, y: Secret, dtype: torch.dtype) -> tuple[Share, Share]:
    """The bits of both, ready to be combined; in the same rounds if nobody knows either."""
    shares, width = (number(protocol, x, dtype), number(protocol, y, dtype)), torch.iinfo(dtype).bits
    if x is y or any(share.storage.known_by is not None for share in shares):
        found = [protocol.bits(share, width) for share in shares]
    else:
        joined = protocol.bits(
            protocol.linear(lambda *parts: torch.cat([part.reshape(-1) for part in parts]), *shares), width
        )
        found = []
        for share, columns in zip(shares, (slice(x.numel()), slice(x.numel(), None)), strict=True):
            found.append(joined.view(_columns(columns, (width, *share.shape))))
    dims = max(x.dim(), y.dim())
    one, other = (share.view(lambda part: _at_rank(part, dims)) for share in found)
    return one, other


def _columns(columns: slice, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    return lambda part: part[:, columns].unflatten(1, shape[1:]) if len(shape) > 1 else part[:, columns].squeeze(1)


def _number_of(protocol: Protocol, bits: Share, dtype: torch.dtype) -> Share:
    return protocol.number_of(bits, signed=dtype.is_signed)


def _shifted(protocol: Protocol, x: Operand, amount: Operand) -> tuple[Share, Tensor, torch.dtype]:
    """What is shifted, by how much, and the type of the result."""
    if isinstance(amount, Secret):
        raise UnsupportedOpError(f"A shift by a secret number of places (at {caller_line()}) is not built.")
    dtype = _integer(result_type(x, amount))
    return _lifted(protocol, x, dtype), torch.as_tensor(amount).to(torch.int64), dtype
