"""Max-pooling: a tournament in each window, or, where windows overlap, first along the rows and then down the columns.

Windows that overlap have rows in common: the largest of three neighbours in a row serves every window over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.functions.tournament import Tournament, index_of_best, labels_of_best, play, routed
from tacit.functions.windows import Windows
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share


@dataclass(frozen=True, eq=False)
class Pooling:
    """best: the largest of each window. last: the tournament that found it; within: the one among its entries before.

    Each entry of ``last`` is the best of a match of ``within``: [..., rows, places along a row], if there was one.
    """

    windows: Windows
    last: Tournament
    within: Tournament | None

    @property
    def best(self) -> Share:
        """The largest entry of each window."""
        return self.last.best


def max_pool(protocol: Protocol, x: Share, windows: Windows) -> Pooling:
    """The largest entry of each window over the last two dimensions. Padding never wins, whatever the values.

    A ReLU (98 bits) a match, four rounds for each doubling of the entries. A window of r rows and c columns takes
    r c - 1 matches, or r - 1 and, for each row of the image that it adds to those before, c - 1, if that is less.
    A pending x stays pending: the truncation is left to whoever uses the result.
    """
    if not _overlap(windows):
        labels = protocol.placed(windows.positions().view(*windows.places, -1))
        entries = protocol.linear(lambda part: _taken(part.flatten(-2), labels), x)
        return Pooling(windows, play(protocol, entries), None)
    along_rows, down_columns = protocol.placed(windows.along(1)), protocol.placed(windows.along(0))
    within = play(protocol, protocol.linear(lambda part: _taken(part, along_rows), x))
    entries = protocol.linear(lambda part: _by_window(part, down_columns), within.best)
    return Pooling(windows, play(protocol, entries), within)


def pool_routed(protocol: Protocol, pooling: Pooling, grad: Share) -> Share:
    """Give ``grad`` (of the shape of ``best``) to the entries that won: [..., *size]. One select a level."""
    windows, entries = pooling.windows, routed(protocol, pooling.last, grad)
    size = windows.size
    if pooling.within is None:
        labels = protocol.placed(windows.positions()).flatten()
        flat = protocol.linear(lambda part: _collected(part.flatten(-3), labels, size[0] * size[1]), entries)
        return flat.view(lambda part: part.unflatten(-1, size))
    along_rows, down_columns = (protocol.placed(windows.along(axis)).flatten() for axis in (1, 0))
    rows = protocol.linear(
        lambda part: _collected(part.movedim(-2, -3).flatten(-2), down_columns, size[0]).mT.contiguous(), entries
    )
    entries = routed(protocol, pooling.within, rows)
    return protocol.linear(lambda part: _collected(part.flatten(-2), along_rows, size[1]), entries)


def pool_index(protocol: Protocol, pooling: Pooling) -> Share:
    """The position of the winner in the image, counted row by row, as a whole number; a round a level."""
    windows = pooling.windows
    if pooling.within is None:
        return index_of_best(protocol, pooling.last, windows.positions().view(*windows.places, -1))
    columns = index_of_best(protocol, pooling.within, windows.along(1))
    before = torch.arange(windows.size[0])[:, None] * windows.size[1]
    flat = protocol.add(columns, protocol.public(before.expand(columns.shape), 0))
    down_columns = protocol.placed(windows.along(0))
    entries = protocol.linear(lambda part: _by_window(part, down_columns), flat)
    return labels_of_best(protocol, pooling.last, entries)


def _overlap(windows: Windows) -> bool:
    """Whether rows in common save matches."""
    (rows, columns), (down, along) = windows.kernel, windows.places
    return windows.size[0] * along * (columns - 1) + down * along * (rows - 1) < down * along * (rows * columns - 1)


def _taken(part: Tensor, positions: Tensor) -> Tensor:
    """The entries of the last dimension at these positions: [..., n] -> [..., *positions.shape]."""
    return part.index_select(-1, positions.flatten()).view(*part.shape[:-1], *positions.shape)


def _by_window(part: Tensor, positions: Tensor) -> Tensor:
    """[..., rows, along] -> [..., down, along, entries]."""
    return _taken(part.mT, positions).movedim(-3, -2)


def _collected(part: Tensor, positions: Tensor, size: int) -> Tensor:
    """The transpose of ``_taken`` with flat positions: what went to several places is added up."""
    return part.new_zeros(*part.shape[:-1], size).index_add_(-1, positions, part)
