"""The tables of elementary functions that are dealt, against Python's own functions of the mask."""

from __future__ import annotations

import functools
import math
import os

import pytest
import torch
from torch import Tensor

from tacit.correlations import wire
from tacit.correlations._base import CORRECTED, make_correction, output_shares, read_correction
from tacit.correlations.elementary import WAVE_SCALE, Exponentials, Powers, Waves
from tacit.correlations.masks import Masks, MaskView
from tacit.correlations.requests import Request
from tacit.correlations.streams import Streams

RING = 1 << 64
VIEW = MaskView(3, 300, (7, 5), (1, 9), 4)


def dealt(request: Request, parties: int) -> tuple[list[int], list[Tensor]]:
    """The mask as whole numbers, and the outputs."""
    assert wire.decode(wire.encode(request)) == request
    streams = [Streams(os.urandom(16), "chacha20") for _ in range(parties)]
    shares = [output_shares(stream, request) for stream in streams]
    shares[CORRECTED] = read_correction(request, make_correction(request, streams, Masks(streams)))
    masks = functools.reduce(torch.add, (s.ring_mask(VIEW.id, VIEW.numel) for s in streams))
    flat = masks.as_strided(VIEW.size, VIEW.stride, VIEW.offset).reshape(-1)
    totals = [functools.reduce(torch.add, column) for column in zip(*shares, strict=True)]
    return [int(word) for word in flat], totals


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize(
    ("fraction_bits", "integer_bits", "step_bits", "scale"),
    [(16, 5, 0, 40), (32, 5, 0, 42), (12, 3, 0, 40), (16, 5, 1, 42), (32, 5, 2, 41), (16, 3, 3, 41)],
)
def test_exponentials(fraction_bits: int, integer_bits: int, step_bits: int, scale: int, parties: int) -> None:
    a, (table,) = dealt(Exponentials(9, VIEW, fraction_bits, integer_bits, step_bits, scale), parties)
    size, step = 1 << integer_bits, 1 << step_bits
    assert table.shape == (size // step, 35)
    for element, word in enumerate(a):
        r = -word % (size << fraction_bits)
        for row, v in enumerate(range(0, size, step)):
            exponent = v - r / 2**fraction_bits
            while exponent > 0 and v > r >> fraction_bits:
                exponent -= size
            assert abs(int(table[row, element]) - math.exp(exponent) * 2**scale) < 0.51


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize(("period_bits", "terms"), [(19, 1), (21, 8), (40, 16)])
def test_waves(period_bits: int, terms: int, parties: int) -> None:
    a, (sines, cosines) = dealt(Waves(9, VIEW, period_bits, terms), parties)
    for element, word in enumerate(a):
        for k in range(1, terms + 1):
            angle = 2 * math.pi * (k * word % (1 << period_bits)) / (1 << period_bits)
            assert abs(int(sines[k - 1, element]) - math.sin(angle) * 2**WAVE_SCALE) < 0.51
            assert abs(int(cosines[k - 1, element]) - math.cos(angle) * 2**WAVE_SCALE) < 0.51


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize("degree", [2, 3, 5])
def test_powers(degree: int, parties: int) -> None:
    a, (powers,) = dealt(Powers(9, VIEW, degree), parties)
    for k in range(2, degree + 1):
        assert [int(word) % RING for word in powers[k - 2]] == [pow(word, k, RING) for word in a]
