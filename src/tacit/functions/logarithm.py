"""The natural logarithm: a bracket, waves that follow log on [1/16, 1), and its bits times multiples of log 2."""

from __future__ import annotations

from tacit.functions import coefficients
from tacit.functions.range_reduction import HIGHEST, MANTISSA_SCALE, STEP, reduce_range
from tacit.functions.scale import relabelled, settled_at
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share

_LN2 = 0.6931471805599453
_WAVE_SCALE = 50


def logarithm(protocol: Protocol, x: Share, unit: int | None = None, low: int = 0, high: int = HIGHEST) -> Share:
    """``log(x)``. ``x < 2**46`` (with 16 fraction bits); error 5e-6 and a unit of the result.

    0 and less count as half a unit: ``log(0)`` is -11.78. unit: fraction bits of the result, the session's unless
    given. low, high: what the binary logarithm of x in ring integers is certainly not below, if positive, and below.
    Six rounds; 93 bytes; from the dealer 820 bytes; two rounds for a range of 16. x may be pending.
    """
    found = reduce_range(protocol, x, high, low=low)
    (log,) = protocol.waves(found.mantissa(), coefficients.LOG.turn + MANTISSA_SCALE, [coefficients.LOG.wave()])
    half_a_unit = _multiple(-x.scale - 1) - round(sum(coefficients.LOG.cosines) * 2.0**_WAVE_SCALE)
    none = 0 if low else half_a_unit
    power = found.number(lambda k: _multiple(k + STEP - x.scale), _WAVE_SCALE, none=none)
    power.storage.unit = log.storage.unit
    return settled_at(protocol, protocol.add(log, power), protocol.settings.frac_bits if unit is None else unit)


def logarithm_of_two(protocol: Protocol, x: Share) -> Share:
    """``log2(x)``: as ``logarithm``, with one more truncation."""
    log = logarithm(protocol, x, unit=26)
    unit = protocol.settings.frac_bits
    return settled_at(protocol, relabelled(protocol, log, round(2.0**20 / _LN2), 46, unit), unit)


def _multiple(exponent: int) -> int:
    return round(exponent * _LN2 * 2.0**_WAVE_SCALE)
