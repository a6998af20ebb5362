"""Powers: whole ones by squaring, others as exp of a multiple of the logarithm."""

from __future__ import annotations

import torch

from tacit.functions.exponential import exp
from tacit.functions.logarithm import logarithm
from tacit.functions.reciprocal import reciprocal
from tacit.functions.roots import inverse_root, square_root
from tacit.functions.scale import relabelled
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MUL

LOG_UNIT = 24
MOST_SQUARED = 64
"""Whole exponents up to this size are made of squares and products."""


def power(protocol: Protocol, x: Share, exponent: float) -> Share:
    """``x**exponent`` for a public exponent.

    Whole exponents: any sign of x, ``|x**exponent| < 2**30`` (with 16 fraction bits); see ``whole_power``; negative
    ones are powers of the reciprocal (which of 0 is 0). 1/2 and -1/2: see ``roots``. Others: ``x > 0``, see
    ``secret_power``; a negative x counts as 0, and 0 as half a unit.
    """
    if exponent == int(exponent) and abs(exponent) <= MOST_SQUARED:
        base = x if exponent >= 0 else reciprocal(protocol, x)
        return whole_power(protocol, base, abs(int(exponent)))
    if exponent == 0.5:
        return square_root(protocol, x)
    if exponent == -0.5:
        return inverse_root(protocol, x)
    log = logarithm(protocol, x, unit=LOG_UNIT)
    unit = protocol.settings.frac_bits
    return exp(protocol, relabelled(protocol, log, round(exponent * 2.0**20), LOG_UNIT + 20, unit))


def whole_power(protocol: Protocol, x: Share, exponent: int) -> Share:
    """``x**exponent`` for a public whole exponent from 0, by squaring; left pending.

    ``|x**exponent| < 2**30`` (with 16 fraction bits); error: an ulp of each factor, 2e-5 times the exponent of the
    result or as many units. Two rounds and 16 to 24 bytes for each squaring or product.
    """
    result: Share | None = None
    square = x
    while exponent:
        if exponent % 2:
            result = square if result is None else protocol.multiply(MUL, result, square)
        exponent //= 2
        if exponent:
            square = protocol.square(square)
    if result is None:
        unit = protocol.settings.frac_bits
        return protocol.public(torch.full(x.shape, 1 << unit), unit)
    return result


def secret_power(protocol: Protocol, x: Share, exponent: Share) -> Share:
    """``x**exponent`` for ``x > 0`` and a secret exponent, as exp of their logarithm's product.

    A negative x counts as 0, and 0 as half a unit. ``|exponent * log(x)| < 2**18``; error 1e-5 times the exponent and
    5e-5 of the result, or 2 units; saturates as exp does. Eleven rounds; 146 bytes; from the dealer 1200 bytes.
    """
    log = logarithm(protocol, x, unit=LOG_UNIT)
    return exp(protocol, protocol.multiply(MUL, log, exponent))
