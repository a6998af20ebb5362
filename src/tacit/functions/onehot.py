"""Looking up rows of a table by secret numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import MisuseError
from tacit.protocols._base import Protocol
from tacit.protocols.share import EVERYONE, Share, required
from tacit.protocols.sharing import common_knowledge
from tacit.ring.bilinear import MATMUL


def one_hot(protocol: Protocol, ids: Share, size: int) -> Share:
    """1 at the place that a whole number names, 0 elsewhere: [...] -> [..., size], whole numbers; kept with ``ids``.

    Free where a party knows the numbers. Otherwise ``size`` equality tests each: 84 bits and four rounds, and one round
    and a bit to make numbers of them. Raises MisuseError, at whoever knows them, for numbers beyond the size.
    """
    key, shape = (ids.geometry, "one-hot", size), (*ids.shape, size)
    if key not in ids.storage.facts:
        knower = ids.storage.known_by
        if knower is not None:
            value = None if ids.clear is None else _marked(ids.clear, size)
            places = _known(protocol, value, knower, shape, 0)
        else:
            numbers = ids.view(lambda part: part.unsqueeze(-1).expand(shape))
            wanted = protocol.public(torch.arange(size).expand(shape), 0)
            places = protocol.to_number(protocol.equals_zero(protocol.sub(numbers, wanted)), 0)
        ids.storage.facts[key] = places
    found: Share = ids.storage.facts[key]
    return found


def look_up(protocol: Protocol, table: Share, ids: Share) -> Share:
    """Rows of a table: (size, width) at [...] -> [..., width].

    Free where one party knows both or everybody knows the table. Otherwise a product of the one-hot with the table: one
    round and 64 bits an entry of the one-hot, and 64 an entry of the table, once; half if one party knows one of them.
    """
    size, width = table.shape
    protocol.settle(table)  # the table itself and not a row of it, so that it is opened once for all
    knower = common_knowledge((ids, table))
    if knower is not None:
        value = None if ids.clear is None or table.clear is None else table.clear[_checked(ids.clear, size)]
        return _known(protocol, value, knower, (*ids.shape, width), table.storage.unit)
    return rows_at(protocol, table, one_hot(protocol, ids, size))


def rows_at(protocol: Protocol, table: Share, places: Share) -> Share:
    """The rows that a one-hot points at: (size, width) at [..., size] -> [..., width]; see ``look_up``."""
    size, width = table.shape
    shape = (*places.shape[:-1], width)
    rows = protocol.multiply(MATMUL, places.view(lambda part: part.view(-1, size)), table)
    return rows.view(lambda part: part.view(shape))


def _known(protocol: Protocol, value: Tensor | None, knower: int, shape: tuple[int, ...], unit: int) -> Share:
    if knower == EVERYONE:
        return protocol.public(required(value), unit)
    return protocol.share(value, knower, shape, unit)


def _marked(ids: Tensor, size: int) -> Tensor:
    return ids.new_zeros(*ids.shape, size).scatter_(-1, _checked(ids, size).unsqueeze(-1), 1)


def _checked(ids: Tensor, size: int) -> Tensor:
    if bool(((ids < 0) | (ids >= size)).any()):
        raise MisuseError(f"A secret index at {caller_line()} is beyond the table, which has {size} rows.")
    return ids
