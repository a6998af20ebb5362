"""Bit planes and packing, every kernel against Python integers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import MisuseError
from tacit.ring import bits, kernels
from tacit.ring.kernels import Kernels

# Around the sizes at which a vector of matrices, a matrix or a word is full.
LENGTHS = [0, 1, 63, 64, 65, 127, 128, 200, 255, 256, 257, 511, 512, 513, 1100]
WIDTHS = [1, 2, 7, 8, 9, 31, 32, 33, 49, 63, 64]


def planes_in_python(x: torch.Tensor, width: int) -> list[list[int]]:
    rows = [[0] * bits.words(len(x)) for _ in range(width)]
    for element, value in enumerate(x.tolist()):
        for plane in range(width):
            rows[plane][element // 64] |= ((value >> plane) & 1) << (element % 64)
    return rows


def unsigned(rows: torch.Tensor) -> list[list[int]]:
    return [[word % 2**64 for word in row] for row in rows.tolist()]


@pytest.mark.parametrize("n", LENGTHS)
def test_planes_hold_the_bits(target: Kernels, words, n: int) -> None:
    x = words(n)
    for width in WIDTHS:
        planes = target.to_planes(x, width)
        assert planes.shape == (width, bits.words(n))
        assert unsigned(planes) == planes_in_python(x, width)
        back = target.from_planes(planes, n)
        assert back.tolist() == (x & (2**width - 1) if width < 64 else x).tolist()


def test_planes_of_a_long_tensor(target: Kernels, words) -> None:
    x = words(64 * 8 * 9 + 17)
    planes = target.to_planes(x, 64)
    assert torch.equal(planes, kernels.available()["reference"].to_planes(x, 64))
    assert torch.equal(target.from_planes(planes, len(x)), x)


@pytest.mark.parametrize("n", LENGTHS)
def test_packed_bits(target: Kernels, words, n: int) -> None:
    for flags in (words(n) < 0, torch.ones(n, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)):
        plane = target.pack_bits(flags)
        packed = sum(int(flag) << index for index, flag in enumerate(flags.tolist()))
        assert [word % 2**64 for word in plane.tolist()] == [
            (packed >> (64 * word)) % 2**64 for word in range(bits.words(n))
        ]
        back = target.unpack_bits(plane, n)
        assert back.dtype == torch.bool
        assert torch.equal(back, flags)


def test_a_byte_other_than_one_is_true(target: Kernels) -> None:
    strange = torch.tensor([0, 1, 2, 128, 255, 0, 64, 3] * 20, dtype=torch.uint8)
    flags = strange.view(torch.bool)
    assert torch.equal(target.unpack_bits(target.pack_bits(flags), 160), strange != 0)


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=150),
    st.integers(1, 64),
)
def test_widths_go_over_the_wire(values: list[int], width: int) -> None:
    x = torch.tensor(values, dtype=torch.int64)
    data = bits.pack_width(x, width)
    assert data.dtype == torch.uint8
    assert len(data) == bits.packed_bytes(len(values), width)
    back = bits.unpack_width(data, len(values), width)
    assert [value % 2**64 for value in back.tolist()] == [value % 2**width for value in values]


def test_whole_widths_are_little_endian_integers() -> None:
    x = torch.tensor([0x1122334455667788, -2], dtype=torch.int64)
    assert bits.pack_width(x, 8).tolist() == [0x88, 0xFE]
    assert bits.pack_width(x, 16).tolist() == [0x88, 0x77, 0xFE, 0xFF]
    assert bits.pack_width(x, 32).tolist() == [0x88, 0x77, 0x66, 0x55, 0xFE, 0xFF, 0xFF, 0xFF]


def test_unpacking_from_the_middle_of_a_buffer(words) -> None:
    x = words(70)
    for width in (1, 16, 33, 64):
        data = bits.pack_width(x, width)
        buffer = torch.zeros(len(data) + 3, dtype=torch.uint8)
        buffer[3:] = data
        assert torch.equal(bits.unpack_width(buffer[3:], 70, width), bits.unpack_width(data, 70, width))


def test_strided_input_is_taken(words) -> None:
    x = words(300)[::3]
    assert torch.equal(bits.from_planes(bits.to_planes(x, 64), 100), x)
    assert torch.equal(bits.unpack_bits(bits.pack_bits(x < 0), 100), x < 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: bits.to_planes(x, 0),
        lambda x: bits.to_planes(x, 65),
        lambda x: bits.to_planes(x.view(8, 8), 3),
        lambda x: bits.to_planes(x.int(), 3),
        lambda x: bits.from_planes(x.view(64, 1), 65),
        lambda x: bits.pack_bits(x),
        lambda x: bits.unpack_bits(x, 64),
        lambda x: bits.unpack_width(x.view(torch.uint8), 63, 64),
        lambda x: bits.pack_width(x, 70),
    ],
)
def test_misuse_is_refused(call) -> None:
    with pytest.raises(MisuseError):
        call(torch.zeros(64, dtype=torch.int64))
