"""Sorting by a network of comparisons that follows from the size alone (Batcher 1968; Knuth 3, algorithm 5.2.2 M)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share

Stage = tuple[Tensor, Tensor]
"""Places of pairs that are disjoint, the lower one first."""


@lru_cache(64)
def network(size: int) -> tuple[Stage, ...]:
    """The stages that sort ``size`` entries: t (t + 1) / 2 of them for 2**t entries."""
    return tuple(_merge_exchange(size)) if size > 1 else ()


def _merge_exchange(size: int) -> Iterator[Stage]:
    places = torch.arange(size)
    top = 1 << ((size - 1).bit_length() - 1)
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            low = places[: size - d]
            low = low[(low & p) == r]
            yield low, low + d
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2


def sort(protocol: Protocol, x: Share, descending: bool) -> tuple[Share, Share]:
    """The entries along the last dimension in order, and where each stood; equal ones keep their order.

    x: settled or not, with room for log2(size) bits more: ``|x| < 2**(45 - log2(size))`` with 16 fraction bits. Four
    rounds and 98 bits a pair for each stage of the network; then the bits of the places.
    """
    keys, places = _keys(protocol, x, descending)
    for low, high in network(x.shape[-1]):
        keys = _exchanged(protocol, keys, low, high)
    return _read(protocol, keys, places, descending, x)


def top(protocol: Protocol, x: Share, count: int, largest: bool) -> tuple[Share, Share]:
    """The ``count`` first of ``sort``: runs of that many are sorted, and merged in pairs that lose half each time."""
    size, run = x.shape[-1], 1 << max(0, count - 1).bit_length()
    if 2 * run >= size:
        values, places = sort(protocol, x, largest)
        return values.view(lambda part: part[..., :count]), places.view(lambda part: part[..., :count])
    keys, places_bits = _keys(protocol, x, largest)
    runs = -(-size // run)
    padding = runs * run - size
    if padding:  # what is last in any order
        last = protocol.public(torch.full((*x.shape[:-1], padding), (1 << 61) - 1), keys.storage.unit, keys.scale)
        keys = protocol.linear(lambda a, b: torch.cat((a, b), -1), keys, last)
    keys = protocol.linear(lambda part: part.unflatten(-1, (runs, run)), keys)
    for low, high in network(run):
        keys = _exchanged(protocol, keys, low, high)
    while (runs := keys.shape[-2]) > 1:
        half = runs // 2
        left = keys.view(lambda part: part[..., :half, :])  # noqa: B023 - used at once
        right = protocol.linear(lambda part: part[..., half : 2 * half, :].flip(-1), keys)  # noqa: B023
        less = protocol.sub(left, protocol.relu(protocol.sub(left, right), settle=False))
        step = run // 2
        while step:  # what is left is bitonic: log2(run) stages sort it
            low = torch.arange(run)
            low = low[(low & step) == 0]
            less = _exchanged(protocol, less, low, low + step)
            step //= 2
        rest = keys.view(lambda part: part[..., 2 * half :, :])  # noqa: B023
        keys = protocol.linear(lambda a, b: torch.cat((a, b), -2), less, rest) if runs % 2 else less
    chosen = keys.view(lambda part: part[..., 0, :count])
    return _read(protocol, chosen, places_bits, largest, x)


def _keys(protocol: Protocol, x: Share, descending: bool) -> tuple[Share, int]:
    """Each entry with its place below it, as one ring integer in ascending order; and how many bits the places have."""
    if protocol.settings.compare_bits < 64:
        raise UnsupportedOpError(
            f"Sorting (at {caller_line()}) needs comparisons of the whole range: leave compare_bits at 64."
        )
    protocol.settle(x)
    size = x.shape[-1]
    bits = (size - 1).bit_length()
    sign = -1 if descending else 1
    lifted = protocol.linear(lambda part: part * (sign << bits), x)
    lifted.storage.scale, lifted.storage.unit = x.scale, x.storage.unit
    places = protocol.public(torch.arange(size).expand(x.shape), x.storage.unit, x.scale)
    return protocol.add(lifted, places), bits


def _exchanged(protocol: Protocol, keys: Share, low: Tensor, high: Tensor) -> Share:
    """The smaller key of each pair at its lower place."""
    low, high = protocol.placed(low), protocol.placed(high)
    first, second = (protocol.linear(lambda part: part[..., at], keys) for at in (low, high))  # noqa: B023
    excess = protocol.relu(protocol.sub(first, second), settle=False)
    less, more = protocol.sub(first, excess), protocol.add(second, excess)
    return protocol.linear(
        lambda part, a, b: part.clone().index_copy_(-1, low, a).index_copy_(-1, high, b), keys, less, more
    )


def _read(protocol: Protocol, keys: Share, bits: int, descending: bool, x: Share) -> tuple[Share, Share]:
    """Values and places out of keys."""
    if not bits:
        return x, protocol.public(torch.zeros(keys.shape, dtype=torch.int64), 0)
    places = protocol.number_of(protocol.bits(keys, bits))
    same_scale = protocol.linear(torch.clone, places)
    same_scale.storage.scale, same_scale.storage.unit = keys.scale, keys.storage.unit
    lifted = protocol.sub(keys, same_scale)
    values = protocol.divide_by_power_of_two(protocol.neg(lifted) if descending else lifted, bits)
    protocol.settle(values)
    return values, places
