"""What a source deals for elementary functions: the part of a value under a function that only its mask decides.

For x = m + a with m public, exp, sine, cosine and powers split into a public factor of m and a table of a.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.correlations.masks import Masks, MaskView
from tacit.correlations.requests import Request
from tacit.correlations.streams import Output
from tacit.ring.elementary import exp_fraction, exp_whole, fixed, harmonics

_PART = 1 << 15
"""Numbers worked on at a time: what is made of them on the way stays in the cache."""

WAVE_SCALE = 25
"""Fraction bits of sines and cosines."""


@dataclass(frozen=True)
class Exponentials(Request):
    """For r = -a with ``fraction_bits``: shares of ``e**(v - r)`` for each multiple v of 2**step_bits.

    v lies below ``2**integer_bits``. v - r is taken modulo ``2**integer_bits`` between -2**integer_bits and 1: less
    2**integer_bits where v exceeds the whole part of r. scale: fraction bits of the entries.
    """

    kind = "exponentials"
    mask: MaskView
    fraction_bits: int
    integer_bits: int
    step_bits: int
    scale: int

    def outputs(self) -> tuple[Output, ...]:
        return (Output((1 << (self.integer_bits - self.step_bits), self.mask.count)),)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        r = -masks.ring(self.mask).reshape(-1)
        size, step = 1 << self.integer_bits, 1 << self.step_bits
        powers = torch.tensor([exp_whole(-k) for k in range(size)], dtype=torch.float64)
        entries = torch.arange(0, size, step).unsqueeze(1)
        table = torch.empty(size // step, len(r), dtype=torch.int64)
        for part in _parts(len(r), size // step):
            below = ((r[part] >> self.fraction_bits) - entries) & (size - 1)
            table[:, part] = fixed(self._start(r[part]) * powers[below], self.scale)
        return (table,)

    def _start(self, r: Tensor) -> Tensor:
        """The exp of less the fraction of r: as ``e**(1 - fraction) / e``, but for a fraction of 0."""
        fraction = r & ((1 << self.fraction_bits) - 1)
        start = exp_fraction(-fraction & ((1 << self.fraction_bits) - 1), self.fraction_bits)
        return torch.where(fraction == 0, start, start * exp_whole(-1))


@dataclass(frozen=True)
class Waves(Request):
    """Shares of the sines and the cosines of k a, in periods of ``2**period_bits``, for k = 1 to ``terms``."""

    kind = "waves"
    mask: MaskView
    period_bits: int
    terms: int

    def outputs(self) -> tuple[Output, ...]:
        shape = (self.terms, self.mask.count)
        return Output(shape), Output(shape)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        a = masks.ring(self.mask).reshape(-1) & ((1 << self.period_bits) - 1)
        sines, cosines = torch.empty(2, self.terms, len(a), dtype=torch.int64)
        for part in _parts(len(a), 1):
            for k, (sine, cosine) in enumerate(harmonics(a[part], self.period_bits, self.terms)):
                sines[k, part] = fixed(sine, WAVE_SCALE)
                cosines[k, part] = fixed(cosine, WAVE_SCALE)
        return sines, cosines


@dataclass(frozen=True)
class Powers(Request):
    """Shares of ``a**2`` to ``a**degree`` in the ring."""

    kind = "powers"
    mask: MaskView
    degree: int

    def outputs(self) -> tuple[Output, ...]:
        return (Output((self.degree - 1, self.mask.count)),)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        a = masks.ring(self.mask).reshape(-1)
        powers = [a * a]
        for _ in range(self.degree - 2):
            powers.append(powers[-1] * a)
        return (torch.stack(powers),)


def _parts(count: int, rows: int) -> Iterator[slice]:
    """The columns of a table of ``rows`` rows, a part at a time."""
    step = max(64, _PART // rows)
    return (slice(start, start + step) for start in range(0, count, step))
