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
from tacit.ring import kernels
from tacit.ring.elementary import ExpRange

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
        span = ExpRange(self.integer_bits, self.step_bits, self.scale)
        return (kernels.exp_table(-masks.ring(self.mask).reshape(-1), self.fraction_bits, span),)


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
        a = masks.ring(self.mask).reshape(-1)
        return kernels.harmonic_tables(a, self.period_bits, self.terms, WAVE_SCALE)


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
