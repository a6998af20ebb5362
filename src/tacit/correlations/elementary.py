"""What a source deals for elementary functions: the part of a value under a function that only its mask decides.

For x = m + a with m public, exp, sine, cosine and powers split into a public factor of m and a table of a.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.correlations.masks import Masks, MaskView
from tacit.correlations.requests import Request
from tacit.correlations.streams import Output
from tacit.ring.elementary import exp_fraction, exp_whole, fixed, harmonics

EXP_SCALE = 40
"""Fraction bits of a table of exp, whose entries are small numbers; their public factors carry 60 - 40."""

WAVE_SCALE = 25
"""Fraction bits of sines and cosines."""


@dataclass(frozen=True)
class Exponentials(Request):
    """For r = -a with ``fraction_bits``: shares of the 2**integer_bits numbers ``e**(v - r)``, v a whole number.

    v - r is taken modulo ``2**integer_bits`` between -2**integer_bits and 1: less 2**integer_bits where v exceeds the
    whole part of r. Scale: ``EXP_SCALE``.
    """

    kind = "exponentials"
    mask: MaskView
    fraction_bits: int
    integer_bits: int

    def outputs(self) -> tuple[Output, ...]:
        return (Output((1 << self.integer_bits, self.mask.count)),)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        r = -masks.ring(self.mask).reshape(-1)
        size = 1 << self.integer_bits
        whole = (r >> self.fraction_bits) & (size - 1)
        fraction = r & ((1 << self.fraction_bits) - 1)
        # e**-fraction as e**(1 - fraction) / e, but for a fraction of 0
        start = exp_fraction(-fraction & ((1 << self.fraction_bits) - 1), self.fraction_bits)
        start = torch.where(fraction == 0, start, start * exp_whole(-1))
        powers = torch.tensor([exp_whole(-k) for k in range(size + 1)], dtype=torch.float64)
        below = whole - torch.arange(size).unsqueeze(1)
        below = torch.where(below < 0, below + size, below)
        return (fixed(start * powers[below], EXP_SCALE),)


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
        waves = [(fixed(s, WAVE_SCALE), fixed(c, WAVE_SCALE)) for s, c in harmonics(a, self.period_bits, self.terms)]
        return torch.stack([s for s, _ in waves]), torch.stack([c for _, c in waves])


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
