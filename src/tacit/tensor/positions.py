"""Reading and writing at secret positions: a one-hot of each position, and its product with what lies there.

The work is the number of positions times the size of the dimension. Positions count from 0. One that is negative or
beyond the end is an error at whoever knows it; where nobody does, it reads 0 and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.functions import onehot
from tacit.functions.tournament import routed
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share, required
from tacit.tensor.secret import Secret
from tacit.tensor.secret_index import SecretIndex

_DISTINCT = "distinct positions"


def mark_distinct(index: Secret) -> None:
    """Note that the positions along the dimension for which they are meant differ from each other, as sort's do."""
    index._share.storage.facts[_DISTINCT] = True


def are_distinct(index: Tensor) -> bool:
    """Whether that was noted."""
    return isinstance(index, Secret) and _DISTINCT in index._share.storage.facts


def is_secret(index: Tensor | None) -> bool:
    """Whether it is a secret of numbers."""
    return isinstance(index, Secret) and index.dtype != torch.bool


def places(protocol: Protocol, index: Secret, size: int) -> Share:
    """The one-hot of secret numbers, [...] -> [..., size]; that of a maximum's index follows its tournament."""
    tournament = index._tournament if isinstance(index, SecretIndex) and not index._views else None
    if tournament is None or tournament.size != size:
        return onehot.one_hot(protocol, index._share, size)
    facts = tournament.best.storage.facts
    if "places" not in facts:
        ones = protocol.public(torch.ones(index.shape, dtype=torch.int64), 0)
        facts["places"] = routed(protocol, tournament, ones)
    found: Share = facts["places"]
    return found


def one_hot(index: Tensor, size: int) -> Secret:
    """The same as a secret of int64."""
    secret = cast(Secret, index)
    return Secret(secret._protocol, places(secret._protocol, secret, size), torch.int64)


def taken(x: Tensor, index: Tensor) -> Tensor:
    """``x[..., index]`` for each of the leading dimensions: [*lead, size] at [*lead, count] -> [*lead, count]."""
    if x.dtype == torch.bool:
        return taken(x.to(torch.int64), index) != 0
    return (one_hot(index, x.shape[-1]).to(x.dtype) @ x.unsqueeze(-1)).squeeze(-1)


def indexed(x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    """``x[indices]`` where one index is secret: alone in any dimension, or beside public ones in the first dimensions.

    Raises UnsupportedOpError for other combinations.
    """
    if x.dtype == torch.bool:
        return indexed(x.to(torch.int64), indices) != 0
    x, indices = merged(x, indices)
    given = [d for d, one in enumerate(indices) if one is not None]
    secret = [d for d in given if is_secret(indices[d])]
    if given == secret and len(secret) == 1:
        where = required(indices[secret[0]])
        rows = rows_taken(x.movedim(secret[0], 0), where)
        return rows.movedim(list(range(where.dim())), list(range(secret[0], secret[0] + where.dim())))
    if len(secret) != 1 or given != list(range(len(given))):
        raise UnsupportedOpError(
            f"Indexing at {caller_line()} with secret indices that are not next to each other, or with a gap before "
            "them, is not built: index one dimension after the other."
        )
    place, shape = secret[0], torch.broadcast_shapes(*(required(one).shape for one in indices if one is not None))
    columns = x.movedim(place, -1)[tuple(required(indices[d]) for d in given if d != place)]
    columns = columns.expand(*shape, *columns.shape[columns.dim() - (x.dim() - len(given)) - 1 :])
    marks = one_hot(expanded(required(indices[place]), shape), x.shape[place])
    flat = columns.flatten(len(shape), -2) if columns.dim() > len(shape) + 1 else columns.unsqueeze(len(shape))
    out = (flat @ marks.to(x.dtype).unsqueeze(-1)).squeeze(-1)
    return out.view(*shape, *x.shape[len(given) :])


def expanded(index: Tensor, shape: Sequence[int]) -> Tensor:
    """An index at that shape; itself if it has it, for a view of a maximum's index has lost its tournament."""
    return index if index.shape == shape else index.expand(shape)


def merged(x: Tensor, indices: Sequence[Tensor | None]) -> tuple[Tensor, list[Tensor | None]]:
    """The same with one secret index where there were several in neighbouring dimensions, which become one."""
    out = list(indices)
    at = 0
    while at + 1 < len(out):
        first, second = out[at], out[at + 1]
        if is_secret(first) and is_secret(second):
            out[at : at + 2] = [required(first) * x.shape[at + 1] + required(second)]
            x = x.flatten(at, at + 1)
        else:
            at += 1
    return x, out


def rows_taken(x: Tensor, index: Tensor) -> Tensor:
    """``x[index]`` along the first dimension: [size, *rest] at [*shape] -> [*shape, *rest]."""
    if x.dtype == torch.bool:
        return rows_taken(x.to(torch.int64), index) != 0
    flat = index if index.dim() == 1 else index.reshape(-1)
    out = one_hot(flat, x.shape[0]).to(x.dtype) @ x.reshape(x.shape[0], -1)
    return out.view(*index.shape, *x.shape[1:])


def added(x: Tensor, index: Tensor, source: Tensor) -> Tensor:
    """``x`` with ``source`` added at the positions, in the last dimension: [*lead, size], [*lead, count] twice."""
    marks = one_hot(index, x.shape[-1]).to(x.dtype)
    return x + (source.unsqueeze(-2) @ marks).squeeze(-2)


def rows_added(x: Tensor, index: Tensor, source: Tensor) -> Tensor:
    """``x`` with rows added at positions of the first dimension: [size, *rest], [count], [count, *rest]."""
    marks = one_hot(index, x.shape[0]).to(x.dtype)
    rows = source.reshape(source.shape[0], -1)
    return x + (marks.t() @ rows).view(x.shape)


def written(x: Tensor, index: Tensor, source: Tensor) -> Tensor:
    """``x`` with ``source`` in place of what was at the positions; of equal positions the last one wins."""
    if x.dtype == torch.bool:
        return written(x.to(torch.int64), index, source.to(torch.int64)) != 0
    marks: Tensor = one_hot(index, x.shape[-1])
    marks = marks if are_distinct(index) else _last_of_each(marks)
    placed = (source.unsqueeze(-2) @ marks.to(x.dtype)).squeeze(-2)
    if are_distinct(index) and index.shape[-1] == x.shape[-1]:
        return placed  # nothing is left of what was there
    return x - x * marks.sum(-2) + placed


def rows_written(x: Tensor, index: Tensor, source: Tensor) -> Tensor:
    """The same for rows: [size, *rest], [count], [count, *rest]."""
    if x.dtype == torch.bool:
        return rows_written(x.to(torch.int64), index, source.to(torch.int64)) != 0
    marks = _last_of_each(one_hot(index, x.shape[0]))
    placed = (marks.to(x.dtype).t() @ source.reshape(source.shape[0], -1)).view(x.shape)
    return x - x * marks.sum(0).view(-1, *(1,) * (x.dim() - 1)) + placed


def _last_of_each(marks: Tensor) -> Tensor:
    """Marks [..., count, size] with only the last one in each column left."""
    if marks.shape[-2] == 1:
        return marks
    later = marks.flip(-2).cumsum(-2).flip(-2)
    return marks * (later == 1)
