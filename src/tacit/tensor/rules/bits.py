"""Logic on secrets of bits. Exclusive or and negation are free; ``and`` and ``or`` take one round and two bits."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.functions.conjunction import conjunction
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import Operand
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten


def _bits(protocol: Protocol, x: Operand) -> Share:
    if isinstance(x, Tensor) and x.dtype != torch.bool:
        raise UnsupportedOpError(
            f"Logic on secret numbers (at {caller_line()}) is not built: compare first, as in (x != 0) & (y != 0)."
        )
    return lifted(protocol, x, torch.bool)


@rule(aten.logical_and.default)
def logical_and(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """One round, two bits; free with a public operand."""
    return Secret(protocol, protocol.both(_bits(protocol, x), _bits(protocol, y)), torch.bool)


@rule(aten.logical_or.default)
def logical_or(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """``not (not x and not y)``: one round, two bits; free with a public operand."""
    neither = protocol.both(protocol.invert(_bits(protocol, x)), protocol.invert(_bits(protocol, y)))
    return Secret(protocol, protocol.invert(neither), torch.bool)


@rule(aten.logical_xor.default)
def logical_xor(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """Free."""
    return Secret(protocol, protocol.xor(_bits(protocol, x), _bits(protocol, y)), torch.bool)


@rule(aten.logical_not.default)
def logical_not(protocol: Protocol, x: Secret) -> Secret:
    """Free."""
    return Secret(protocol, protocol.invert(_bits(protocol, x)), torch.bool)


@rule(aten.all.default)
def all_of(protocol: Protocol, x: Secret) -> Secret:
    """A tree of ``and``: a round for each doubling of the number of elements, two bits each."""
    bits = protocol.linear(lambda part: part.reshape(-1), _bits(protocol, x))
    return Secret(protocol, conjunction(protocol, bits), torch.bool)


@rule(aten.any.default)
def any_of(protocol: Protocol, x: Secret) -> Secret:
    """The same cost as ``all``."""
    bits = protocol.linear(lambda part: part.reshape(-1), protocol.invert(_bits(protocol, x)))
    return Secret(protocol, protocol.invert(conjunction(protocol, bits)), torch.bool)


@rule(aten.all.dim)
def all_along(protocol: Protocol, x: Secret, dim: int, keepdim: bool = False) -> Secret:
    """The same cost as ``all``."""
    return Secret(protocol, _along(protocol, _bits(protocol, x), dim, keepdim), torch.bool)


@rule(aten.any.dim)
def any_along(protocol: Protocol, x: Secret, dim: int, keepdim: bool = False) -> Secret:
    """The same cost as ``all``."""
    found = _along(protocol, protocol.invert(_bits(protocol, x)), dim, keepdim)
    return Secret(protocol, protocol.invert(found), torch.bool)


def _along(protocol: Protocol, bits: Share, dim: int, keepdim: bool) -> Share:
    if not bits.parts[0].dim():
        return bits
    folded = conjunction(protocol, bits.view(lambda part: part.movedim(dim, -1)))
    return folded.view(lambda part: part.unsqueeze(dim)) if keepdim else folded
