"""Layer, group, instance and RMS normalization: mean and variance along the last dimension at high precision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from tacit.functions.roots import inverse_root
from tacit.functions.scale import compared_in_full, relabelled, settled_at
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MUL

MEAN_UNIT = 24
DEVIATION_UNIT = 30


@dataclass(frozen=True, eq=False)
class Normalized:
    """value: ``(x - mean) * inverse``. mean (24 fraction bits; None for RMS norm) and inverse (30) are one a row."""

    value: Share
    mean: Share | None
    inverse: Share


def normalize(protocol: Protocol, x: Share, eps: float, centered: bool = True) -> Normalized:
    """``(x - mean) / sqrt(variance + eps)`` along the last dimension of n entries; without the mean for RMS norm.

    ``n * variance < 2**(62 - 2 f)`` with f fraction bits (1e9 for 16), ``|mean| < 2**(30 - f)``, n up to 2**13; error
    1e-4 of the result or 3 units (8 where variance + eps is below 1e-5), for variances from 1e-6. The variance is a sum
    at double scale to which n times eps is added, and is never truncated; the mean keeps 24 fraction bits.
    For an entry 16 bytes, and from the dealer 26; for a row about 150 and 900 more; 13 rounds. A pending x is settled
    first.
    """
    protocol.settle(x)
    size, scale = x.shape[-1], x.scale
    centre, mean, rest = x, None, None
    if centered:
        coarse = _mean(protocol, x)
        centre = protocol.sub(x, coarse)
        left = protocol.linear(lambda part: part.sum(-1, keepdim=True), centre)
        rest = protocol.times_public(left, torch.tensor(round(2.0**32 / size)), 32, MEAN_UNIT)
    squares = protocol.linear(lambda part: part.sum(-1, keepdim=True), protocol.square(centre))
    small = round(size * eps * 2.0 ** (2 * scale))
    total = protocol.add(squares, protocol.public(torch.tensor(small), squares.storage.unit, squares.scale))
    inverse = inverse_root(protocol, compared_in_full(total), factor=math.sqrt(size), unit=DEVIATION_UNIT, least=small)
    value = protocol.multiply(MUL, centre, inverse)
    if rest is not None:
        mean = protocol.add(protocol.with_unit(coarse, MEAN_UNIT), rest)
        shift = protocol.multiply(MUL, rest, inverse)
        value = relabelled(protocol, value, 1 << (shift.scale - value.scale), shift.scale, MEAN_UNIT)
        shift.storage.unit = MEAN_UNIT
        value = protocol.sub(value, shift)
    return Normalized(settled_at(protocol, value, protocol.settings.frac_bits), mean, inverse)


def _mean(protocol: Protocol, x: Share) -> Share:
    """The mean along the last dimension to within two units."""
    total = protocol.linear(lambda part: part.sum(-1, keepdim=True), x)
    mean = relabelled(protocol, total, round(2.0**32 / x.shape[-1]), x.scale + 32, x.storage.unit)
    protocol.settle(mean)
    return mean
