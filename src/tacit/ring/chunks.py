"""How a number of bits is cut into chunks, and how many rows the chunks' tables have.

A chunk j of r has the table T with T[v] = [r_j <= v]. For a public chunk v then [v < r_j] = 1 ^ T[v] and
[v == r_j] = T[v] ^ T[v - 1]. The last entry is always 1 and left out.
"""

from __future__ import annotations

CHUNK_BITS = 4
ENTRIES = 1 << CHUNK_BITS


def chunk_widths(bits: int) -> list[int]:
    """The widths of the chunks of ``bits`` bits, lowest first; the last may be narrower."""
    return [min(CHUNK_BITS, bits - start) for start in range(0, bits, CHUNK_BITS)]


def table_planes(bits: int) -> int:
    """How many planes the tables of ``bits`` bits take."""
    return sum((1 << width) - 1 for width in chunk_widths(bits))
