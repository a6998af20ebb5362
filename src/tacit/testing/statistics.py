"""Statistics that tell uniform bits from others, with thresholds whose false alarms are bounded by proof.

Bits stand as -1 and 1. For R independent repetitions of E elements the score of a plane of bits is the sum over the
elements of ``(sum over the repetitions)**2 / R``. If the bits are uniform, the moments of each sum are at most those of
a Gaussian (Khintchine), so Chernoff's bound for chi-square with E degrees of freedom holds for the score:
``P(score > E (1 + d)) <= exp(-E/2 (d - ln(1 + d)))``. A bit that a fixed input decides scores E R.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ELEMENTS = 64
"""Elements of a plane: one word, so that packed bits have no padding."""

ALARM = 1e-18
"""The probability that one test on uniform bits gives an alarm: 4e8 tests, all primitives with 2, 3 and 4 parties, give
one with a probability below 4e-10. (For bytes the bound is that of chi-square itself, from eight expected in a bin on.)
"""

LAGS = (1, 2, 4, 8, 16, 32)
_FEWEST_PER_BIN = 8


def threshold(degrees: int, probability: float = ALARM) -> float:
    """The score that chi-square with so many degrees of freedom exceeds with at most ``probability`` (Chernoff)."""
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        exponent = degrees / 2 * (middle - math.log1p(middle))
        low, high = (middle, high) if exponent < -math.log(probability) else (low, middle)
    return degrees * (1 + high)


def signs(planes: Tensor) -> Tensor:
    """int64[R, P] words, each the plane of 64 elements, as signs: float32[64, P, R]."""
    bits = (planes.t().unsqueeze(0) >> torch.arange(ELEMENTS).view(-1, 1, 1)) & 1
    return bits.to(torch.float32).mul_(2).sub_(1)


def single_scores(x: Tensor) -> Tensor:
    """The score of each plane of float32[64, P, R]: [P]."""
    return x.sum(2).square().sum(0) / x.shape[2]


def pooled_scores(x: Tensor) -> Tensor:
    """The squared z-score of each plane's bits over all elements and repetitions, one degree of freedom: [P]."""
    return x.sum((0, 2)).square() / (ELEMENTS * x.shape[2])


def lag_scores(x: Tensor) -> Tensor:
    """The scores of the xor of each element with later ones of the same plane: [len(LAGS), P]."""
    return torch.stack([single_scores(x * x.roll(lag, 0)) for lag in LAGS])


def pair_scores(x: Tensor, y: Tensor) -> Tensor:
    """The scores of the xors of all planes of ``x`` with all planes of ``y``: [P of x, P of y]."""
    total = torch.zeros(x.shape[1], y.shape[1])
    for left, right in zip(x, y, strict=True):
        products = left @ right.t()
        total.addcmul_(products, products)
    return total / x.shape[2]


def byte_scores(words: Tensor, width: int) -> Tensor | None:
    """Chi-square on the bytes of int64[K, N] words of ``width`` bits, 255 degrees of freedom: [K, width // 8].

    None where a byte would be expected fewer than eight times, or the width leaves no whole byte.
    """
    rows, samples = words.shape
    whole = width // 8
    if not whole or not rows or samples < _FEWEST_PER_BIN * 256:
        return None
    values = (words.unsqueeze(1) >> (8 * torch.arange(whole)).view(1, -1, 1)) & 255
    bins = values.reshape(rows * whole, samples) + 256 * torch.arange(rows * whole).unsqueeze(1)
    counts = torch.bincount(bins.view(-1), minlength=256 * rows * whole).view(rows, whole, 256).double()
    expected = samples / 256
    return (counts - expected).square().sum(2) / expected
