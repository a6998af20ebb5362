"""Reciprocals and quotients over the whole range: a bracket, waves that follow 1/y on [1/16, 1), and a power of two."""

from __future__ import annotations

from collections.abc import Callable

from tacit.functions import coefficients
from tacit.functions.range_reduction import LOWEST, MANTISSA_SCALE, STEP, reduce_range
from tacit.functions.scale import settled_at
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MUL

_PERIOD = coefficients.RECIPROCAL.turn + MANTISSA_SCALE
_WIDEST = 40
"""The most bits between the brackets of a reciprocal: its own bits and 16 more have to fit into 62."""
_AT_ZERO = sum(coefficients.RECIPROCAL.cosines)


def reciprocal(protocol: Protocol, x: Share, positive: bool = False, zero_as_half: bool = False) -> Share:
    """``1 / x``. ``|x| < 2**45`` (with 16 fraction bits); error 5e-5 of the result or 2 units; 1/0 is 0.

    zero_as_half: 0 counts as half a unit instead, so that 1/0 is ``2**17``: where it stands for what is tiny. (With
    more than 20 fraction bits, what is below 2**-19, 0 too, always counts as 2**-20.)
    Eight rounds; 134 bytes, or 91 where x is known to be positive; from the dealer 1000 bytes, or 730. A pending x is
    settled first.
    """
    protocol.settle(x)
    unit = protocol.settings.frac_bits
    high = x.scale + unit + 1
    first = max(LOWEST, high - (high - LOWEST) % STEP - _WIDEST)
    found = reduce_range(protocol, x, high, first=first, signed=not positive, ends=True)
    (inverse,) = protocol.waves(found.mantissa(), _PERIOD, [coefficients.RECIPROCAL.wave()])
    last = found.exponents[-1]
    settled_at(protocol, inverse, min(22, 52 - last + max(0, first)))
    tiny = zero_as_half or first > LOWEST
    of_zero = round(2.0 ** (last + STEP + 1 - max(0, first)) / _AT_ZERO) if tiny else 0
    power = found.number(lambda k: 1 << (last - k), last + STEP - x.scale, none=of_zero)
    return settled_at(protocol, protocol.multiply(MUL, inverse, power), unit)


def reciprocal_between(protocol: Protocol, x: Share, low: int, high: int, unit: int) -> Share:
    """``1 / x`` with ``unit`` fraction bits for ``2**low <= x < 2**high`` in ring integers; error 5e-5 of the result.

    Eight rounds, or three if one bracket holds the whole range. Meant for values of which there are few: sums of rows.
    """
    found = reduce_range(protocol, x, high, low=low)
    (inverse,) = protocol.waves(found.mantissa(), _PERIOD, [coefficients.RECIPROCAL.wave()])
    settled_at(protocol, inverse, 26)
    last = found.exponents[-1]
    power = found.number(lambda k: 1 << (last - k), last + STEP - x.scale)
    return settled_at(protocol, protocol.multiply(MUL, inverse, power), unit)


def divide(protocol: Protocol, x: Share, y: Share, positive: bool = False) -> Share:
    """``x / y``. ``|x| < 2**34``, ``|y| < 2**45``, ``|x / y| < 2**26``; error 5e-5 of the result or 3 units; x/0 is 0.

    positive: whether y is known to be. The inverse of y's mantissa multiplies x times the power of two of y's bracket,
    so that the quotient of two large numbers is as right as any. (With f fraction bits, ``|x / y| < 2**(42 - f)``.)
    Eight rounds; 217 bytes, or 149; from the dealer 1640 bytes, or 1060. Pending operands are settled first. x and y
    have one shape.
    """
    protocol.settle(x, y)
    unit = protocol.settings.frac_bits
    found = reduce_range(protocol, y, signed=not positive, others=(x,))
    (inverse,) = protocol.waves(found.mantissa(), _PERIOD, [coefficients.RECIPROCAL.wave()])
    inverse.storage.unit = 16
    # x * 2**(scale - k) has 4 fraction bits more than the result needs. Four brackets share a truncation, so many bits
    # to the right as the last of them needs, and the bits of the bracket choose how many to the left before it.
    down = [k for k in found.exponents if k > y.scale]
    moves = {k: down[min(i | 3, len(down) - 1)] - y.scale for i, k in enumerate(down)}
    parts = []
    for move in (0, *sorted(set(moves.values()))):
        parts.append(found.product(1, _moved(moves, move, y.scale), x.scale + STEP + move, x.scale + STEP))
    protocol.settle(inverse, *parts)
    total = parts[0]
    for part in parts[1:]:
        total = protocol.add(total, part)
    return settled_at(protocol, protocol.multiply(MUL, inverse, total), unit)


def _moved(moves: dict[int, int], move: int, scale: int) -> Callable[[int], int]:
    return lambda k: 1 << (scale - k + move) if moves.get(k, 0) == move else 0
