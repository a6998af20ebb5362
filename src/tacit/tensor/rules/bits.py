"""Logic. On bits exclusive or and negation are free, ``and`` and ``or`` take one round and two bits.

A number counts as whether it is not 0, as in PyTorch: an equality test each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tacit.functions.conjunction import conjunction
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import Operand, dims_of, number
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten


def _bits(protocol: Protocol, x: Operand) -> Share:
    """Bits as they are, of numbers whether they are not 0."""
    if isinstance(x, Secret) and x.dtype != torch.bool:
        return protocol.invert(protocol.equals_zero(number(protocol, x, x.dtype)))
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


@rule(aten.all.dims)
def all_along_dims(protocol: Protocol, x: Secret, dim: Any = None, keepdim: bool = False) -> Any:
    """The same cost as ``all``."""
    return _folded(torch.all, x, dim, keepdim)


@rule(aten.any.dims)
def any_along_dims(protocol: Protocol, x: Secret, dim: Any = None, keepdim: bool = False) -> Any:
    """The same cost as ``all``."""
    return _folded(torch.any, x, dim, keepdim)


def _folded(function: Callable[..., Any], x: Any, dim: Any, keepdim: bool) -> Any:
    for one in dims_of(x, dim) if dim is None or len(dim) else []:
        x = function(x, one, True)
    return x if keepdim or not x.dim() else x.squeeze(dims_of(x, dim)) if dim is None or len(dim) else x


def _along(protocol: Protocol, bits: Share, dim: int, keepdim: bool) -> Share:
    if not bits.parts[0].dim():
        return bits
    folded = conjunction(protocol, bits.view(lambda part: part.movedim(dim, -1)))
    return folded.view(lambda part: part.unsqueeze(dim)) if keepdim else folded
