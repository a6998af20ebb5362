"""Indexing: free with public indices; with secret ones by their one-hots (``tacit.tensor.positions``).

To the secret index of a maximum one can scatter by its tournament: the gradient's way back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import SecretLeakError, UnsupportedOpError
from tacit.functions.tournament import Tournament, routed
from tacit.protocols._base import Protocol
from tacit.protocols.share import EVERYONE, required
from tacit.tensor import positions
from tacit.tensor.operands import Number, dims_of
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import chosen, lifted
from tacit.tensor.secret import Secret
from tacit.tensor.secret_index import SecretIndex

aten = torch.ops.aten

_Indices = Sequence[Tensor | None]


def _taken(protocol: Protocol, x: Secret | Tensor, function: Callable[[Tensor], Tensor]) -> Secret:
    return Secret(protocol, protocol.copied(function, lifted(protocol, x, x.dtype)), x.dtype)


@rule(aten.index.Tensor, aten._unsafe_index.Tensor)
def index(protocol: Protocol, x: Secret | Tensor, indices: _Indices) -> Secret | Tensor:
    """Free at public positions; at secret ones see ``tacit.tensor.positions``."""
    if any(map(positions.is_secret, indices)):
        return positions.indexed(x, indices)
    indices = _placed(protocol, indices)
    return _taken(protocol, x, lambda part: aten.index(part, indices))


@rule(aten.index_select.default)
def index_select(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor) -> Secret | Tensor:
    """Free at public positions; at secret ones the work of their number times the size."""
    if positions.is_secret(index) and x.dim():
        return positions.rows_taken(x.movedim(dim, 0), index.reshape(-1)).movedim(0, dim)
    index = _placed(protocol, [index])[0]
    return _taken(protocol, x, lambda part: part.index_select(dim, index))


@rule(aten.gather.default)
def gather(
    protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False
) -> Secret | Tensor:
    """Free at public positions; at secret ones the work of their number times the size."""
    if positions.is_secret(index) and not x.dim():
        return gather(protocol, x.view(1), 0, index.view(1)).view(())
    if positions.is_secret(index):
        return positions.taken(_beside(x, dim, index), index.movedim(dim, -1)).movedim(-1, dim)
    index = _placed(protocol, [index])[0]
    return _taken(protocol, x, lambda part: part.gather(dim, index))


@rule(aten.masked_select.default)
def masked_select(protocol: Protocol, x: Secret | Tensor, mask: Tensor) -> Secret:
    """Free for a public mask."""
    mask = _placed(protocol, [mask])[0]
    return _taken(protocol, x, lambda part: part.masked_select(mask))


@rule(aten.index_put.default, aten._unsafe_index_put.default)
def index_put(
    protocol: Protocol, x: Secret | Tensor, indices: _Indices, values: Any, accumulate: bool = False
) -> Secret | Tensor:
    """Free at public positions; at a secret one the work of their number times the size."""
    if any(map(positions.is_secret, indices)):
        return _put_at_secret(x, indices, values, accumulate)
    indices = _placed(protocol, indices)
    put = _added if accumulate else _merged
    return put(protocol, x, values, lambda part, new: aten.index_put(part, indices, new, accumulate))


@rule(aten.index_add.default)
def index_add(
    protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, source: Any, *, alpha: Number = 1
) -> Secret | Tensor:
    """Free at public positions; at secret ones the work of their number times the size."""
    if positions.is_secret(index):
        rows = (source * alpha).movedim(dim, 0)
        return positions.rows_added(x.movedim(dim, 0), index.reshape(-1), rows).movedim(0, dim)
    index = _placed(protocol, [index])[0]
    return _added(protocol, x, source * alpha, lambda part, new: part.index_add(dim, index, new))


@rule(aten.scatter_add.default)
def scatter_add(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, source: Any) -> Secret | Tensor:
    """Free at public positions; at secret ones the work of their number times the size."""
    if positions.is_secret(index):
        return _scattered(positions.added, x, dim, index, source)
    index = _placed(protocol, [index])[0]
    return _added(protocol, x, source, lambda part, new: part.scatter_add(dim, index, new))


@rule(aten.scatter.value)
def scatter_value(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, value: Number) -> Secret | Tensor:
    """Free at public positions; at secret ones the work of their number times the size."""
    if positions.is_secret(index):
        return _scattered(positions.written, x, dim, index, torch.full(index.shape, value, dtype=x.dtype))
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
def scatter(protocol: Protocol, x: Secret | Tensor, dim: int, index: Tensor, source: Any) -> Secret | Tensor:
    """Free for a public index. Into zeros at the secret index of a maximum: one select a level of its tournament.

    At other secret positions the work of their number times the size; of equal ones the last wins.
    """
    if isinstance(index, SecretIndex) and index._tournament is not None:
        routed = _scattered_to_winners(protocol, x, dim, index, index._tournament, source)
        if routed is not None:
            return routed
    if positions.is_secret(index):
        return _scattered(positions.written, x, dim, index, source)
    index = _placed(protocol, [index])[0]
    return _merged(protocol, x, source, lambda part, new: part.scatter(dim, index, new))


def _scattered_to_winners(
    protocol: Protocol, x: Secret | Tensor, dim: int, index: SecretIndex, tournament: Tournament, source: Any
) -> Secret | None:
    value = x._share.clear if isinstance(x, Secret) and x._share.storage.known_by == EVERYONE else x
    lead = tuple(n for d, n in enumerate(index.shape) if [d] != dims_of(index, dim))
    blank = not isinstance(value, Secret) and value is not None and not bool(value.any())
    size = x.shape[dim] if x.dim() else 1
    if not blank or lead != tournament.best.shape or size != tournament.size or index.shape != source.shape:
        return None
    grad = lifted(protocol, source, x.dtype).view(lambda part: part.squeeze(dim))
    entries = routed(protocol, tournament, grad)
    if not x.dim():
        return Secret(protocol, entries.view(lambda part: part.view(())), x.dtype)
    return Secret(protocol, protocol.linear(lambda part: part.movedim(-1, dim), entries), x.dtype)


def _beside(x: Any, dim: int, index: Tensor) -> Any:
    """``x`` with ``dim`` last, and in the other dimensions as much of it as an index of gather or scatter covers."""
    for d, size in enumerate(index.shape):
        if d != dim % x.dim() and size != x.shape[d]:
            x = x.narrow(d, 0, size)
    return x.movedim(dim, -1)


def _scattered(
    write: Callable[[Tensor, Tensor, Tensor], Tensor], x: Any, dim: int, index: Tensor, source: Any
) -> Tensor:
    """``write`` at the secret positions that an index of scatter names."""
    if not x.dim():
        found = _scattered(write, x.view(1), 0, index.view(1), source.view(1))
        return found.view(())
    part = source[tuple(slice(size) for size in index.shape)]
    found = write(_beside(x, dim, index), index.movedim(dim, -1), part.movedim(dim, -1)).movedim(-1, dim)
    if found.shape == x.shape:
        return found
    out: Tensor = found.new_zeros(x.shape) + x
    out[tuple(slice(size) for size in found.shape)] = found
    return out


def _put_at_secret(x: Any, indices: _Indices, values: Any, accumulate: bool) -> Tensor:
    given = [d for d, one in enumerate(indices) if one is not None]
    if len(given) != 1:
        return _put_beside(x, indices, values, accumulate)
    dim = given[0]
    index = required(indices[dim])
    rest = [size for d, size in enumerate(x.shape) if d != dim]
    shape = [*x.shape[:dim], *index.shape, *x.shape[dim + 1 :]]
    values = values.expand(shape).movedim(list(range(dim, dim + index.dim())), list(range(index.dim())))
    rows = values.reshape(-1, *rest)
    put = positions.rows_added if accumulate else positions.rows_written
    out: Tensor = put(x.movedim(dim, 0), index.reshape(-1), rows).movedim(0, dim)
    return out


def _put_beside(x: Any, indices: _Indices, values: Any, accumulate: bool) -> Tensor:
    """At secret indices beside public ones in the first dimensions."""
    shape = x.shape
    secret = [d for d, one in enumerate(indices) if positions.is_secret(one)]
    x, indices = positions.merged(x, indices)
    place = [d for d, one in enumerate(indices) if positions.is_secret(one)]
    if len(place) != 1 or any(one is None for one in indices):
        raise UnsupportedOpError(
            f"Writing at {caller_line()} at secret indices that are not next to each other, or behind a gap, is not "
            "built: write along one dimension after the other."
        )
    where = torch.broadcast_shapes(*(required(one).shape for one in indices))
    public = [required(one).expand(where) for one in indices if not positions.is_secret(one)]
    if not public:
        return _put_at_secret(x, indices, values, accumulate).view(shape)
    if not accumulate:
        raise UnsupportedOpError(
            f"Writing at {caller_line()} at a secret index beside public ones is built with accumulate=True only."
        )
    rest = x.shape[len(indices) :]
    marks = positions.one_hot(positions.expanded(required(indices[place[0]]), where), x.shape[place[0]]).to(x.dtype)
    spread = values.expand(*where, *rest).unsqueeze(-1) * marks.view(*where, *(1,) * len(rest), marks.shape[-1])
    put = torch.index_put(x.movedim(place[0], -1), tuple(public), spread, accumulate=True)
    out: Tensor = put.movedim(-1, place[0])
    return out.reshape(shape) if len(secret) > 1 else out


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
    """Refuse secret indices: masks disclose how many entries they choose, numbers are not built everywhere."""
    for position in indices:
        if not isinstance(position, Secret):
            continue
        if position.dtype == torch.bool:
            raise SecretLeakError(
                f"Indexing with a secret mask (at {caller_line()}) would disclose how many entries it chooses, in the "
                "shape of the result. Use torch.where(mask, x, 0) or x * mask, or tacit.reveal(mask)."
            )
        raise UnsupportedOpError(f"This use of secret numbers as an index (at {caller_line()}) is not built.")
