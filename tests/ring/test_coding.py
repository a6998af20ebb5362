"""Encoding and decoding of every kernel against Python integers and fractions, bit for bit."""

from __future__ import annotations

from fractions import Fraction

import numpy
import pytest
import torch

from tacit.ring import coding
from tacit.ring.kernels import Kernels
from tacit.runtime.cores import computing_with

SCALES = (0, 1, 16, 32, 62)


def reals(words: torch.Tensor, dtype: torch.dtype, scale: int) -> torch.Tensor:
    """Floats of every size below the limit, with halves, signed zeros and the last ones that are in range."""
    spread = words.to(torch.float64) * 2.0 ** -(words & 63).to(torch.float64) / 2
    halves = (words >> 48).to(torch.float64) + 0.5
    limit = torch.tensor([2.0**62, -(2.0**62), 0.0], dtype=dtype)
    ends = torch.nextafter(limit, torch.zeros_like(limit)).double()
    x = torch.cat([spread, halves, ends, -torch.zeros(1, dtype=torch.float64)]) * 2.0**-scale
    return x.to(dtype)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_encode_rounds_to_nearest_and_ties_to_even(target: Kernels, words, dtype: torch.dtype, scale: int) -> None:
    x = reals(words(1013), dtype, scale)
    x = x[(x.double() * 2.0**scale).abs() < 2.0**62]
    assert x.numel() > 1500
    encoded = target.encode(x, scale)
    assert encoded is not None
    assert encoded.tolist() == [round(Fraction(value) * 2**scale) for value in x.tolist()]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 2.0**62, -(2.0**62), 1e30, -1e30])
@pytest.mark.parametrize("where", [0, 5, 40])
def test_encode_notices_what_does_not_fit(target: Kernels, bad: float, where: int) -> None:
    for dtype in (torch.float64, torch.float32):
        x = torch.zeros(41, dtype=dtype)
        x[where] = bad
        assert target.encode(x, 0) is None
        assert target.encode(x * 2.0**-16 if dtype == torch.float64 else x, 16) is None


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (17, 61), (3, 5, 7)], ids=str)
def test_decode_is_correctly_rounded(target: Kernels, words, shape: tuple[int, ...], scale: int) -> None:
    ring = words(*shape)
    for small in (ring, ring >> 11, ring >> 30):
        doubles = target.decode(small, scale, torch.float64)
        assert doubles.shape == ring.shape
        assert doubles.reshape(-1).tolist() == [word / 2**scale for word in small.reshape(-1).tolist()]
        singles = small.numpy().astype(numpy.float32) * numpy.float32(2.0**-scale)  # rounds once
        assert torch.equal(target.decode(small, scale, torch.float32), torch.from_numpy(numpy.asarray(singles)))
    for dtype in (torch.float16, torch.bfloat16):
        assert torch.equal(target.decode(ring, scale, dtype), coding.decode(ring, scale, dtype))


def test_any_layout_and_any_number_of_threads(target: Kernels, words) -> None:
    ring = words(1500, 1400) >> 20
    for threads in (1, 3):
        with computing_with(threads):
            for layout in (ring, ring.t(), ring[::3, ::2]):
                real = target.decode(layout, 16, torch.float64)
                assert torch.equal(real, coding.decode(layout, 16, torch.float64))
                assert real.stride() == coding.decode(layout, 16, torch.float64).stride()
                back = target.encode(real, 16)
                assert back is not None
                assert torch.equal(back, layout)
            real = ring.double()
            real[1499, 1399] = float("nan")
            assert target.encode(real, 16) is None
