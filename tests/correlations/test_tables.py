"""Looking a public number up in a mask's tables, against comparing whole numbers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tacit.correlations.tables import chunk_widths, look_up, prefix_tables, table_planes
from tacit.ring.bits import to_planes, unpack_bits


def looked_up(masks: list[int], public: list[int], width: int, parties: int = 2) -> tuple[list[list[bool]], ...]:
    """By chunk and element, ``[v_j < r_j]`` and ``[v_j == r_j]``, from random xor shares of the tables."""
    count = len(masks)
    tables = prefix_tables(to_planes(torch.tensor(masks), width))
    assert tables.shape[0] == table_planes(width)
    shares = [torch.randint(-(1 << 63), (1 << 63) - 1, tables.shape) for _ in range(parties - 1)]
    rest = tables
    for share in shares:
        rest = rest ^ share
    planes = to_planes(torch.tensor(public), width)
    less = equal = torch.zeros((), dtype=torch.int64)
    for rank, share in enumerate([rest, *shares]):
        found = look_up(share, planes, constant=rank == 0)
        less, equal = less ^ found[0], equal ^ found[1]
    return tuple([unpack_bits(row.contiguous(), count).tolist() for row in found] for found in (less, equal))


def chunks(number: int, width: int) -> list[int]:
    found = []
    for chunk in chunk_widths(width):
        found.append(number % (1 << chunk))
        number >>= chunk
    return found


@pytest.mark.parametrize("width", range(1, 7))
def test_every_pair_of_small_numbers(width: int) -> None:
    pairs = [(r, v) for r in range(1 << width) for v in range(1 << width)]
    masks, public = [r for r, _ in pairs], [v for _, v in pairs]
    less, equal = looked_up(masks, public, width)
    for e, (r, v) in enumerate(pairs):
        for j, (rj, vj) in enumerate(zip(chunks(r, width), chunks(v, width), strict=True)):
            assert less[j][e] == (vj < rj)
            assert equal[j][e] == (vj == rj)


@given(st.integers(1, 64), st.data(), st.sampled_from([2, 3, 4]))
def test_numbers_of_any_width(width: int, data: st.DataObject, parties: int) -> None:
    signed = st.integers(-(1 << (width - 1)), (1 << (width - 1)) - 1)
    masks, public = (data.draw(st.lists(signed, min_size=5, max_size=5)) for _ in range(2))
    less, equal = looked_up(masks, public, width, parties)
    for e in range(5):
        r, v = (chunks(number[e] % (1 << width), width) for number in (masks, public))
        assert [row[e] for row in less] == [vj < rj for rj, vj in zip(r, v, strict=True)]
        assert [row[e] for row in equal] == [vj == rj for rj, vj in zip(r, v, strict=True)]


def test_the_widths_of_chunks() -> None:
    assert chunk_widths(62) == [4] * 15 + [2]
    assert table_planes(62) == 15 * 15 + 3
    assert chunk_widths(3) == [3]
