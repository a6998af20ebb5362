"""Tables over 4-bit chunks: what the source knows of a mask's chunks, looked up at a public value's chunks.

A chunk j of r has the table T with T[v] = [r_j <= v]. For a public chunk v then [v < r_j] = 1 ^ T[v] and
[v == r_j] = T[v] ^ T[v - 1]. The last entry is always 1 and not dealt.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK_BITS = 4
ENTRIES = 1 << CHUNK_BITS


def chunk_widths(bits: int) -> list[int]:
    """The widths of the chunks of ``bits`` bits, lowest first; the last may be narrower."""
    return [min(CHUNK_BITS, bits - start) for start in range(0, bits, CHUNK_BITS)]


def table_planes(bits: int) -> int:
    """How many planes the tables of ``bits`` bits take."""
    return sum((1 << width) - 1 for width in chunk_widths(bits))


def prefix_tables(planes: Tensor) -> Tensor:
    """The tables of all chunks of a value given as bit planes, one after another: int64[table_planes, words]."""
    out, start = [], 0
    for width in chunk_widths(planes.shape[0]):
        hot = [torch.full_like(planes[0], -1)]
        for plane in reversed(planes[start : start + width]):
            hot = [half for one in hot for half in (one & ~plane, one & plane)]
        reached = torch.zeros_like(planes[0])
        for one in hot[:-1]:
            reached = reached | one
            out.append(reached)
        start += width
    return torch.stack(out)


def look_up(tables: Tensor, public: Tensor, constant: bool) -> tuple[Tensor, Tensor]:
    """Xor shares of ``[v_j < r_j]`` and ``[v_j == r_j]`` for every chunk j of a public value given as bit planes.

    tables: this party's shares, int64[table_planes, words]. public: int64[bits, words]. constant: whether this party
    is the one that adds public constants. Local. Each result is int64[chunks, words], lowest chunk first.
    """
    widths = chunk_widths(public.shape[0])
    one = torch.full_like(public[0], -1 if constant else 0)
    upto = one.new_zeros((ENTRIES + 1, len(widths), public.shape[1]))
    digits = one.new_zeros((CHUNK_BITS, len(widths), public.shape[1]))
    start = bit = 0
    for chunk, width in enumerate(widths):
        size = (1 << width) - 1
        upto[1 : size + 1, chunk] = tables[start : start + size]
        upto[size + 1 :, chunk] = one
        digits[:width, chunk] = public[bit : bit + width]
        start, bit = start + size, bit + width
    at, below = upto[1:], upto[:-1]
    for digit in reversed(digits):
        half = at.shape[0] // 2
        at = at[:half] ^ (digit & (at[:half] ^ at[half:]))
        below = below[:half] ^ (digit & (below[:half] ^ below[half:]))
    return one ^ at[0], at[0] ^ below[0]
