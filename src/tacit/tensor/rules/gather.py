"""Indexing with public indices: free. To the secret index of a maximum one can scatter: the gradient's way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import SecretLeakError, UnsupportedOpError
from tacit.functions.tournament import Tournament, routed
from tacit.protocols._base import Protocol
from tacit.protocols.share import EVERYONE
from tacit.tensor.operands import Number, dims_of
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import chosen, lifted
from tacit.tensor.secret import Secret
from tacit.tensor.secret_index import SecretIndex

aten = torch.ops.aten

_Indices = Sequence[Tensor | None]


def _taken(protocol: Protocol, x: Secret | Tensor, function: Callable[[Tensor], Tensor]) -> Secret:
    return Secret(protocol, protocol.copied(function, lifted(protocol, x, x.dtype)), x.dtype)


@rule(aten.index.Tensor)
def index(protocol: Protocol, x: Secret | Tensor, indices: _Indices) -> Secret:
    """Free."""
    indices = _placed(protocol, indices)
    return _taken(protocol, x, lambda part: aten.index(part, indices))


@rule(aten.index_select.default)
def index_select(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor) -> Secret:
    """Free."""
    index = _placed(protocol, [index])[0]
    return _taken(protocol, x, lambda part: part.index_select(dim, index))


@rule(aten.gather.default)
def gather(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Secret:
    """Free."""
    index = _placed(protocol, [index])[0]
    return _taken(protocol, x, lambda part: part.gather(dim, index))


@rule(aten.masked_select.default)
def masked_select(protocol: Protocol, x: Secret | Tensor, mask: Tensor) -> Secret:
    """Free for a public mask."""
    mask = _placed(protocol, [mask])[0]
    return _taken(protocol, x, lambda part: part.masked_select(mask))


@rule(aten.index_put.default)
def index_put(
    protocol: Protocol, x: Secret | Tensor, indices: _Indices, values: Any, accumulate: bool = False
) -> Secret:
    """Free."""
    indices = _placed(protocol, indices)
    put = _added if accumulate else _merged
    return put(protocol, x, values, lambda part, new: aten.index_put(part, indices, new, accumulate))


@rule(aten.index_add.default)
def index_add(
    protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, source: Any, *, alpha: Number = 1
) -> Secret:
    """Free."""
    index = _placed(protocol, [index])[0]
    return _added(protocol, x, source * alpha, lambda part, new: part.index_add(dim, index, new))


@rule(aten.scatter_add.default)
def scatter_add(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, source: Any) -> Secret:
    """Free."""
    index = _placed(protocol, [index])[0]
    return _added(protocol, x, source, lambda part, new: part.scatter_add(dim, index, new))


@rule(aten.scatter.value)
def scatter_value(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, value: Number) -> Secret:
    """Free."""
    index = _placed(protocol, [index])[0]
    values = torch.full(index.shape, value, dtype=torch.float64 if x.dtype.is_floating_point else x.dtype)
    return _merged(protocol, x, values, lambda part, new: part.scatter(dim, index, new))


@rule(aten.index_fill.int_Scalar, aten.index_fill.int_Tensor)
def index_fill(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, value: Any) -> Secret:
    """Free."""
    _check([index])
    mask = torch.zeros(x.shape, dtype=torch.bool).index_fill(dim, index, True)
    return Secret(protocol, chosen(protocol, mask, *(lifted(protocol, v, x.dtype) for v in (value, x))), x.dtype)


@rule(aten.masked_scatter.default)
def masked_scatter(protocol: Protocol, x: Secret | Tensor, mask: Tensor, source: Any) -> Secret:
    """Free for a public mask."""
    mask = _placed(protocol, [mask])[0]
    return _merged(protocol, x, source, lambda part, new: part.masked_scatter(mask, new))


@rule(aten.scatter.src)
def scatter(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, source: Any) -> Secret:
    """Free for a public index. Into zeros at the secret index of a maximum: one select a level of its tournament."""
    if isinstance(index, SecretIndex) and index._tournament is not None:
        return _scattered_to_winners(protocol, x, dim, index, index._tournament, source)
    index = _placed(protocol, [index])[0]
    return _merged(protocol, x, source, lambda part, new: part.scatter(dim, index, new))


def _scattered_to_winners(
    protocol: Protocol, x: Secret | Tensor, dim: int, index: SecretIndex, tournament: Tournament, source: Any
) -> Secret:
    value = x._share.clear if isinstance(x, Secret) and x._share.storage.known_by == EVERYONE else x
    lead = tuple(n for d, n in enumerate(index.shape) if [d] != dims_of(index, dim))
    blank = not isinstance(value, Secret) and value is not None and not bool(value.any())
    size = x.shape[dim] if x.dim() else 1
    if not blank or lead != tournament.best.shape or size != tournament.size or index.shape != source.shape:
        _check([index])
    grad = lifted(protocol, source, x.dtype).view(lambda part: part.squeeze(dim))
    entries = routed(protocol, tournament, grad)
    if not x.dim():
        return Secret(protocol, entries.view(lambda part: part.view(())), x.dtype)
    return Secret(protocol, protocol.linear(lambda part: part.movedim(-1, dim), entries), x.dtype)


def _merged(protocol: Protocol, x: Secret | Tensor, values: Any, merge: Callable[[Tensor, Tensor], Tensor]) -> Secret:
    """``merge(x, values)``, which places values at public positions."""
    both = lifted(protocol, x, x.dtype), lifted(protocol, values, x.dtype)
    return Secret(protocol, protocol.copied(merge, *both), x.dtype)


def _added(protocol: Protocol, x: Secret | Tensor, values: Any, add: Callable[[Tensor, Tensor], Tensor]) -> Secret:
    """``add(x, values)``, which adds values at public positions."""
    both = lifted(protocol, x, x.dtype), lifted(protocol, values, x.dtype)
    return Secret(protocol, protocol.linear(add, *both), x.dtype)


def _placed(protocol: Protocol, indices: _Indices) -> list[Any]:
    """Public indices where the shares lie."""
    _check(indices)
    return [index if index is None else protocol.placed(index) for index in indices]


def _check(indices: _Indices) -> None:
    """Refuse secret indices: masks disclose how many entries they choose, numbers are not built yet."""
    for position in indices:
        if not isinstance(position, Secret):
            continue
        if position.dtype == torch.bool:
            raise SecretLeakError(
                f"Indexing with a secret mask (at {caller_line()}) would disclose how many entries it chooses, in the "
                "shape of the result. Use torch.where(mask, x, 0) or x * mask, or tacit.reveal(mask)."
            )
        raise UnsupportedOpError(f"Indexing with secret numbers (at {caller_line()}) is planned but not built yet.")
