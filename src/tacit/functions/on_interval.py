"""Functions that waves follow on an interval, for arguments that certainly lie in it."""

from __future__ import annotations

from tacit.functions import coefficients
from tacit.functions.fit import Fit
from tacit.functions.scale import relabelled
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share

_WAVE_SCALE = 50
_SLOPE_BITS = 8


def followed(protocol: Protocol, x: Share, fit: Fit) -> Share:
    """What the waves of ``fit`` give for an x inside its interval; error 1 unit. Two rounds, 8 bytes."""
    protocol.settle(x)
    (out,) = protocol.waves(x, fit.turn + x.scale, [fit.wave()])
    if fit.slope:
        slope = round(fit.slope * 2.0 ** (_WAVE_SCALE - x.scale))
        out = protocol.add(out, relabelled(protocol, x, slope, _WAVE_SCALE, out.storage.unit))
    protocol.settle(out)
    return out


def arctan_in_one(protocol: Protocol, x: Share) -> Share:
    """``arctan(x)`` for ``|x| <= 1``; error 1 unit. Two rounds, 8 bytes."""
    return followed(protocol, x, coefficients.ARCTAN)


def arccos_kernel(protocol: Protocol, x: Share) -> Share:
    """``arccos(x) / sqrt(1 - x)`` for ``0 <= x <= 1``; error 1 unit. Two rounds, 8 bytes."""
    return followed(protocol, x, coefficients.ARCCOS_KERNEL)


def sinc_in_one(protocol: Protocol, x: Share) -> Share:
    """``sin(pi x) / (pi x)`` for ``|x| <= 1``; error 1 unit. Two rounds, 8 bytes."""
    return followed(protocol, x, coefficients.SINC)


def sinc_slope_in_one(protocol: Protocol, x: Share) -> Share:
    """The derivative of ``sin(pi x) / (pi x)`` for ``|x| <= 1``; error 1 unit. Two rounds, 8 bytes."""
    return followed(protocol, x, coefficients.SINC_SLOPE)
