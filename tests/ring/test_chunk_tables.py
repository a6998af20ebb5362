"""Tables over chunks of bits, every kernel against Python integers."""

from __future__ import annotations

import pytest
import torch

from tacit.ring import bits, kernels
from tacit.ring.chunks import chunk_widths, table_planes
from tacit.ring.kernels import Kernels

LENGTHS = [0, 1, 65, *(pytest.param(n, marks=pytest.mark.slow) for n in (64, 511, 512, 513, 1100))]
"""Slow: one word more and one less at each seam of a vector, and several vectors, against Python's own integers."""

WIDTHS = [1, 3, 4, 5, 8, 30, 62, 64]


def chunk(value: int, index: int, width: int) -> int:
    return (value >> (4 * index)) & ((1 << chunk_widths(width)[index]) - 1)


def tables_of(target: Kernels, r: torch.Tensor, width: int) -> torch.Tensor:
    tables = torch.full((table_planes(width), bits.words(len(r))), 0x5A5A, dtype=torch.int64)
    target.prefix_tables(bits.to_planes(r, width), tables)
    return tables


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("width", WIDTHS)
def test_tables_say_whether_a_chunk_is_at_most_v(target: Kernels, words, n: int, width: int) -> None:
    r = words(n)
    tables = tables_of(target, r, width)
    row = 0
    for index, size in enumerate(chunk_widths(width)):
        for v in range((1 << size) - 1):
            expected = [chunk(value, index, width) <= v for value in r.tolist()]
            assert bits.unpack_bits(tables[row], n).tolist() == expected
            row += 1
    assert row == len(tables)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_public_value_is_compared_chunk_by_chunk(target: Kernels, words, n: int, width: int) -> None:
    r, v = words(n), words(n)
    v[::3] = r[::3]
    mask = words(table_planes(width), bits.words(n))
    digits = bits.to_planes(v, width)
    first = target.look_up(tables_of(target, r, width) ^ mask, digits, True)
    second = target.look_up(mask, digits, False)
    less, equal = (a ^ b for a, b in zip(first, second, strict=True))
    for index in range(len(chunk_widths(width))):
        pairs = [(chunk(a, index, width), chunk(b, index, width)) for a, b in zip(v.tolist(), r.tolist(), strict=True)]
        assert bits.unpack_bits(less[index], n).tolist() == [a < b for a, b in pairs]
        assert bits.unpack_bits(equal[index], n).tolist() == [a == b for a, b in pairs]


def test_tables_of_the_wrong_size_are_refused() -> None:
    for name in [name for name in kernels.available() if name not in ("device", "reference")]:
        native = kernels.available()[name]
        planes, tables = torch.zeros(8, 2, dtype=torch.int64), torch.zeros(30, 2, dtype=torch.int64)
        for wrong in (tables[:29], tables[:, :1], tables.t().contiguous().t()):
            with pytest.raises(ValueError, match="Tables of 8 bits"):
                native.prefix_tables(planes, wrong)
        for wrong in (tables[:29], tables[:, :1]):
            with pytest.raises(ValueError, match="Tables of 8 bits"):
                native.look_up(wrong, planes, True)
