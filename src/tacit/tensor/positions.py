"""Reading and writing at secret positions: a one-hot of each position, and its product with what lies there.

The work is the number of positions times the size of the dimension. Positions count from 0; a negative one, or one
beyond the end, reads 0 and writes nothing, since nobody may know it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.protocols.share import required
from tacit.tensor.secret import Secret

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


def one_hot(index: Tensor, size: int) -> Tensor:
    """Bits: [...] -> [..., size]; 84 bits and four rounds each."""
    return index.unsqueeze(-1) == torch.arange(size)


def taken(x: Tensor, index: Tensor) -> Tensor:
    """``x[..., index]`` for each of the leading dimensions: [*lead, size] at [*lead, count] -> [*lead, count]."""
    marks = one_hot(index, x.shape[-1])
    if x.dtype == torch.bool:
        return (marks & x.unsqueeze(-2)).any(-1)
    return (marks.to(x.dtype) @ x.unsqueeze(-1)).squeeze(-1)


def indexed(x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    """``x[indices]`` where one index is secret: alone in any dimension, or beside public ones in the first dimensions.

    Raises UnsupportedOpError for other combinations.
    """
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
    marks = one_hot(required(indices[place]).expand(shape), x.shape[place])
    flat = columns.flatten(len(shape), -2) if columns.dim() > len(shape) + 1 else columns.unsqueeze(len(shape))
    if x.dtype == torch.bool:
        out = (flat & marks.unsqueeze(-2)).any(-1)
    else:
        out = (flat @ marks.to(x.dtype).unsqueeze(-1)).squeeze(-1)
    return out.view(*shape, *x.shape[len(given) :])


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
    marks = one_hot(index.reshape(-1), x.shape[0])
    rows = x.reshape(x.shape[0], -1)
    out = (marks.unsqueeze(-1) & rows).any(-2) if x.dtype == torch.bool else marks.to(x.dtype) @ rows
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
    marks = one_hot(index, x.shape[-1])
    if are_distinct(index):
        if index.shape[-1] == x.shape[-1] and x.dtype != torch.bool:  # nothing is left of what was there
            return (source.unsqueeze(-2) @ marks.to(x.dtype)).squeeze(-2)
    else:
        marks = _last_of_each(marks)
    hit = marks.any(-2)
    if x.dtype == torch.bool:
        return torch.where(hit, (marks & source.unsqueeze(-1)).any(-2), x)
    return torch.where(hit, (source.unsqueeze(-2) @ marks.to(x.dtype)).squeeze(-2), x)


def rows_written(x: Tensor, index: Tensor, source: Tensor) -> Tensor:
    """The same for rows: [size, *rest], [count], [count, *rest]."""
    marks = _last_of_each(one_hot(index, x.shape[0]))
    hit = marks.any(0)
    rows = source.reshape(source.shape[0], -1)
    placed = (marks.to(x.dtype).t() @ rows).view(x.shape)
    return torch.where(hit.view(-1, *(1,) * (x.dim() - 1)), placed, x)


def _last_of_each(marks: Tensor) -> Tensor:
    """Marks [..., count, size] with only the last one in each column left."""
    count = marks.shape[-2]
    if count == 1:
        return marks
    later = marks.to(torch.int64).flip(-2).cumsum(-2).flip(-2)
    return marks & (later == 1)
