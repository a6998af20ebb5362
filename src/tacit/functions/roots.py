"""Square roots and their reciprocals: a bracket, waves that follow the root on [1/16, 1), a power of two back."""

from __future__ import annotations

import math

from tacit.functions import coefficients
from tacit.functions.range_reduction import HIGHEST, MANTISSA_SCALE, STEP, reduce_range
from tacit.functions.scale import settled_at
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MUL


def square_root(protocol: Protocol, x: Share) -> Share:
    """``sqrt(x)``. ``x < 2**46`` (with 16 fraction bits); error 1e-5 of the result or 2 units; 0 for a negative x.

    Eight rounds; 117 bytes; from the dealer 700 bytes. x may be pending.
    """
    scale = x.scale - x.scale % 2
    found = reduce_range(protocol, x)
    wave = coefficients.SQRT.wave(1.0 if scale == x.scale else math.sqrt(0.5))
    (root,) = protocol.waves(found.mantissa(), coefficients.SQRT.turn + MANTISSA_SCALE, [wave])
    settled_at(protocol, root, 24)
    first = found.exponents[0]
    power = found.number(lambda k: 1 << ((k - first) // 2), (scale - STEP - first) // 2)
    return settled_at(protocol, protocol.multiply(MUL, root, power), protocol.settings.frac_bits)


def inverse_root(protocol: Protocol, x: Share, factor: float = 1.0, unit: int | None = None, least: int = 0) -> Share:
    """``factor / sqrt(x)`` for ``0 < factor < 2**12``. ``x < 2**(62 - scale)``; error 2e-5 of the result or 2 units.

    0 and less count as half a unit of x. unit: fraction bits of the result, the session's unless given. least: what x
    in ring integers is certainly not below; saves a threshold for each power of 16. Eight rounds; 117 bytes without
    ``least``; from the dealer 830 bytes. x may be pending.
    """
    unit = protocol.settings.frac_bits if unit is None else unit
    low = max(0, least.bit_length() - 1)
    found = reduce_range(protocol, x, HIGHEST, low=low)
    odd = x.scale % 2
    small, exponent = math.frexp(factor * math.sqrt(2) if odd else factor)
    (root,) = protocol.waves(
        found.mantissa(), coefficients.RSQRT.turn + MANTISSA_SCALE, [coefficients.RSQRT.wave(small)]
    )
    settled_at(protocol, root, 22)
    last = found.exponents[-1]
    scale = (last + STEP - x.scale + odd) // 2 - exponent
    of_zero = 0
    if not low:
        of_zero = round(
            factor * math.sqrt(2.0 ** (x.scale + 1)) * 2.0**scale / (small * sum(coefficients.RSQRT.cosines))
        )
    power = found.number(lambda k: 1 << ((last - k) // 2), scale, none=of_zero)
    return settled_at(protocol, protocol.multiply(MUL, root, power), unit)
