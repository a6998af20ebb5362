"""Functions that are constant or linear far out: waves inside an interval, the tails exactly, from one opening.

Inside, a function is ``slope * x`` plus sines and cosines of a period longer than the interval, whose sum follows it
(coefficients.py). Two comparisons on the same opening tell where x lies, and one round of selects joins the pieces and
truncates them. A large x never meets an approximate factor: beyond the interval the result is exactly 0, a constant or
x.

Range of each: any x. Cost of each, for one element: four rounds; 197 bits to each other party (the openings of x and of
the piece inside, two comparisons, the bits of the selects); from the dealer 16 bytes a term of its waves and 101 bytes
besides. x may be pending; its truncation is in the price. Source: Fourier extension (Huybrechs, SIAM J. Numer. Anal.
2010) and one-time tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tacit.functions import coefficients
from tacit.functions.fit import Fit
from tacit.functions.scale import plus, relabelled
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share

WAVE_SCALE = 50
_SLOPE_BITS = 8
"""Fraction bits of the slopes, which are exact."""


def sigmoid(protocol: Protocol, x: Share) -> Share:
    """``1 / (1 + e**-x)``; error 2.5e-5; exactly 0 or 1 beyond 11.5. 16 terms."""
    return _followed(protocol, x, [(coefficients.SIGMOID, 1)])[0]


def tanh(protocol: Protocol, x: Share) -> Share:
    """The hyperbolic tangent; error 3.5e-5; exactly -1 or 1 beyond 6. 16 terms."""
    return plus(protocol, _followed(protocol, x, [(coefficients.TANH, 2)])[0], -1)


def erf(protocol: Protocol, x: Share) -> Share:
    """The error function; error 2e-5; exactly -1 or 1 beyond 3.1. 8 terms."""
    return plus(protocol, _followed(protocol, x, [(coefficients.ERF, 2)])[0], -1)


def normal(protocol: Protocol, x: Share) -> Share:
    """The standard normal distribution; error 2e-5; exactly 0 or 1 beyond 4.2. 8 terms."""
    return _followed(protocol, x, [(coefficients.NORMAL, 1)])[0]


def gelu(protocol: Protocol, x: Share, tanh_form: bool = False) -> Share:
    """The normal distribution times x, or its form with tanh; error 2.5e-5; exactly 0 or x beyond 4.8. 9 terms."""
    return _followed(protocol, x, [(coefficients.GELU_TANH if tanh_form else coefficients.GELU, None)])[0]


def gelu_and_slope(protocol: Protocol, x: Share, tanh_form: bool = False) -> tuple[Share, Share]:
    """GELU and its derivative (error 3e-5) from the same opening: 64 bits more. 10 terms, and 50 bytes more."""
    if tanh_form:
        fits = coefficients.GELU_TANH, coefficients.GELU_TANH_SLOPE
    else:
        fits = coefficients.GELU, coefficients.GELU_SLOPE
    value, slope = _followed(protocol, x, [(fits[0], None), (fits[1], 1)])
    return value, slope


def silu(protocol: Protocol, x: Share) -> Share:
    """``x / (1 + e**-x)``; error 3.5e-5; exactly 0 or x beyond 13.5. 20 terms."""
    return _followed(protocol, x, [(coefficients.SILU, None)])[0]


def silu_and_slope(protocol: Protocol, x: Share) -> tuple[Share, Share]:
    """SiLU and its derivative (error 3.5e-5) from the same opening: 64 bits more. 20 terms, and 50 bytes more."""
    value, slope = _followed(protocol, x, [(coefficients.SILU, None), (coefficients.SILU_SLOPE, 1)])
    return value, slope


def softplus(protocol: Protocol, x: Share) -> Share:
    """``log(1 + e**x)``; error 2.5e-5; exactly 0 or x beyond 11.5. 14 terms."""
    return _followed(protocol, x, [(coefficients.SOFTPLUS, None)])[0]


def _followed(protocol: Protocol, x: Share, pieces: Sequence[tuple[Fit, int | None]]) -> list[Share]:
    """Each fit inside the interval that all have in common; below it 0; above it a constant, or x where it is None."""
    first, unit = pieces[0][0], protocol.settings.frac_bits
    protocol.settle_above(x, WAVE_SCALE - _SLOPE_BITS)
    limit = round(first.limit * 2.0**x.scale)
    waves = protocol.waves(x, first.turn + x.scale, [fit.wave() for fit, _ in pieces])
    above, beyond = protocol.compare(x, [-limit, limit])
    inside = protocol.xor(above, beyond)
    pairs = []
    for (fit, top), wave in zip(pieces, waves, strict=True):
        slope = round(fit.slope * 2.0 ** (WAVE_SCALE - x.scale))
        pairs.append((inside, protocol.add(wave, relabelled(protocol, x, slope, WAVE_SCALE, unit))))
        pairs.append((beyond, x if top is None else protocol.public(torch.tensor(top << unit), unit)))
    chosen = protocol.select_pairs(pairs, settle=True)
    return [protocol.add(*chosen[i : i + 2]) for i in range(0, len(chosen), 2)]
