"""Tables over 4-bit chunks: what the source knows of a mask's chunks, looked up at a public value's chunks."""

from __future__ import annotations

from torch import Tensor

from tacit.ring import kernels
from tacit.ring.chunks import chunk_widths, table_planes

__all__ = ["chunk_widths", "look_up", "prefix_tables", "table_planes"]


def prefix_tables(planes: Tensor) -> Tensor:
    """The tables ``[chunk <= v]`` of all chunks of a value given as bit planes: int64[table_planes, words]."""
    tables = planes.new_empty(table_planes(planes.shape[0]), planes.shape[1])
    kernels.prefix_tables(planes, tables)
    return tables


def look_up(tables: Tensor, public: Tensor, constant: bool) -> tuple[Tensor, Tensor]:
    """Xor shares of ``[v_j < r_j]`` and ``[v_j == r_j]`` for every chunk j of a public value given as bit planes.

    tables: this party's shares, int64[table_planes, words]. public: int64[bits, words]. constant: whether this party
    is the one that adds public constants. Local. Each result is int64[chunks, words], lowest chunk first.
    """
    return kernels.look_up(tables, public, constant)
