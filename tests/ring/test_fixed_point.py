"""Fixed point against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import EncodingError, MisuseError
from tacit.ring.fixed_point import decode, encode, encode_public


def nearest(x: float | int, scale: int) -> int:
    return round(Fraction(x) * 2**scale)  # Python rounds ties to even


scales = st.integers(0, 62)


@given(st.data(), scales)
def test_encode_is_the_nearest_integer(data: st.DataObject, scale: int) -> None:
    limit = 2.0 ** (62 - scale)
    values = data.draw(st.lists(st.floats(-limit, limit, exclude_min=True, exclude_max=True), max_size=8))
    encoded = encode(torch.tensor(values, dtype=torch.float64), scale)
    assert encoded.dtype == torch.int64
    assert encoded.tolist() == [nearest(x, scale) for x in values]
    assert [int(encode(x, scale)) for x in values] == encoded.tolist()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=8), scales)
def test_decode_to_float64_and_float32_is_correctly_rounded(words: list[int], scale: int) -> None:
    ring = torch.tensor(words, dtype=torch.int64)
    assert decode(ring, scale, torch.float64).tolist() == [word / 2**scale for word in words]
    # numpy's cast of a 64-bit integer to float32 rounds once
    singles = numpy.array(words, dtype=numpy.int64).astype(numpy.float32) * numpy.float32(2.0**-scale)
    assert decode(ring, scale, torch.float32).tolist() == singles.tolist()


def test_float32_is_not_rounded_twice() -> None:
    # Just above the middle of two float32 values, by less than float64 can hold: rounding twice would go down.
    word = 2**62 + 2**38 + 1
    assert decode(torch.tensor([word, -word]), 0, torch.float32).tolist() == [2.0**62 + 2**39, -(2.0**62) - 2**39]


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=8))
def test_round_trip_of_negatives_is_exact(values: list[float]) -> None:
    x = torch.tensor(values, dtype=torch.float32)
    assert ((decode(encode(x, 16), 16, torch.float64) - x.double()).abs() <= 2.0**-17).all()
    grid = (x * 16).round() / 16
    assert torch.equal(decode(encode(grid, 16), 16, torch.float32), grid)


def test_ties_go_to_even() -> None:
    x = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5], dtype=torch.float64) / 2**16
    assert encode(x, 16).tolist() == [0, 2, 2, 0, -2, -2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_every_float_dtype(dtype: torch.dtype) -> None:
    x = torch.tensor([-1.5, 0.0, -0.0, 0.25, 100.0], dtype=dtype)
    assert encode(x, 16).tolist() == [-98304, 0, 0, 16384, 6553600]
    assert torch.equal(decode(encode(x, 16), 16, dtype), x)


@pytest.mark.parametrize(
    "dtype", [torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64]
)
def test_every_integer_dtype_is_exact(dtype: torch.dtype) -> None:
    x = torch.tensor([0, 1, 100], dtype=dtype)
    assert encode(x, 0).tolist() == [0, 1, 100]
    assert encode(x, 16).tolist() == [0, 65536, 6553600]
    assert decode(encode(x, 16), 16, dtype).tolist() == [0, 1, 100]


def test_integers_do_not_pass_through_floats() -> None:
    x = torch.tensor([2**62 - 1, -(2**62) + 1, 2**53 + 1])
    assert torch.equal(encode(x, 0), x)
    assert torch.equal(decode(x, 0, torch.int64), x)
    assert int(encode(2**60 + 1, 1)) == 2**61 + 2


def test_integers_are_cut_towards_zero_and_booleans_are_not_zero() -> None:
    ring = encode(torch.tensor([-1.5, -0.5, 0.0, 0.5, 1.5]), 16)
    assert decode(ring, 16, torch.int32).tolist() == [-1, 0, 0, 0, 1]
    assert decode(ring, 16, torch.bool).tolist() == [True, True, False, True, True]


def test_booleans() -> None:
    assert encode(torch.tensor([True, False]), 0).tolist() == [1, 0]
    assert encode(True, 16).item() == 65536


@pytest.mark.parametrize(
    "value",
    [numpy.float32(-1.5), numpy.float64(-1.5), numpy.float16(-1.5), numpy.array(-1.5), numpy.array([-1.5])[0], -1.5],
)
def test_numpy_floats_are_not_cut_to_integers(value: object) -> None:
    encoded = encode(value, 16)
    assert encoded.shape == ()
    assert encoded.item() == -98304


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"])
def test_numpy_integers(kind: str) -> None:
    assert encode(numpy.dtype(kind).type(1), 16).item() == 65536
    assert encode(numpy.ones((2, 3), kind), 4).tolist() == [[16] * 3] * 2


def test_numpy_arrays_of_any_layout() -> None:
    array = numpy.arange(12.0).reshape(3, 4)
    array.flags.writeable = False
    assert torch.equal(encode(array.T[::-1], 16), encode(torch.from_numpy(array.T[::-1].copy()), 16))
    with pytest.raises(EncodingError, match="numpy"):
        encode(numpy.array(["a"]), 16)


def test_the_input_is_never_changed_or_shared() -> None:
    x = torch.arange(6).view(2, 3)
    encode(x, 0).add_(1)
    assert torch.equal(x, torch.arange(6).view(2, 3))
    y = torch.ones(3, dtype=torch.float64, requires_grad=True)
    assert not encode(y, 3).requires_grad
    assert y.tolist() == [1.0] * 3


@given(scales)
def test_the_limit_is_exact(scale: int) -> None:
    limit = 2 ** (62 - scale)
    below = numpy.nextafter(float(limit), 0)
    for value in (below, -below, torch.tensor(below, dtype=torch.float64)):
        assert abs(int(encode(value, scale))) <= 2**62
    for value in (float(limit), -float(limit), limit, -limit, float("nan"), float("inf"), -float("inf"), 2**70, 1e308):
        with pytest.raises(EncodingError, match=rf"below 2\*\*{62 - scale}"):
            encode(value, scale)
    assert int(encode(limit - 1, scale)) == (limit - 1) << scale


@pytest.mark.parametrize(
    ("x", "where"),
    [
        (torch.tensor([[1.0, 2.0], [3.0, float("nan")], [float("inf"), 0.0]]), r"\[1, 1\]"),
        (torch.tensor([1.0, -float("inf")]), r"\[1\]"),
        (torch.tensor([[0, 0, -(2**63)]]), r"\[0, 2\]"),
        (torch.tensor([5, 2**63], dtype=torch.uint64), r"\[1\]"),
        (torch.tensor([0, 2**46]), r"\[1\]"),
        (torch.tensor([0.0, 123456789e9]), r"\[1\]"),
    ],
)
def test_the_first_offender_is_named_but_not_shown(x: torch.Tensor, where: str) -> None:
    with pytest.raises(EncodingError, match=where) as caught:
        encode(x, 16)
    message = str(caught.value)
    assert "2**46" in message
    assert "nan" not in message
    assert "12345" not in message


def test_public_constants_encode_alike() -> None:
    x = torch.tensor([0.1, -7.0])
    assert torch.equal(encode_public(x, 16), encode(x, 16))


def test_empty_tensors() -> None:
    assert encode(torch.zeros(0, 3), 16).shape == (0, 3)
    assert encode(torch.zeros(0, 3).long(), 16).shape == (0, 3)
    assert decode(torch.zeros(0, 3).long(), 16, torch.float32).shape == (0, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: encode(torch.zeros(1), -1),
        lambda: encode(torch.zeros(1), 63),
        lambda: encode("1.5", 16),
        lambda: encode(torch.zeros(1, dtype=torch.complex64), 16),
        lambda: decode(torch.zeros(1), 16, torch.float32),
    ],
)
def test_misuse_is_refused(call) -> None:
    with pytest.raises(MisuseError):
        call()
