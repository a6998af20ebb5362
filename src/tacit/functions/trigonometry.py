"""Sine and cosine of any angle: in units of 2**-62 turns an angle is a ring integer, and whole turns fall away."""

from __future__ import annotations

import math

from tacit.functions.scale import relabelled
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.elementary import Wave

_TURN_BITS = 62


def sine(protocol: Protocol, x: Share) -> Share:
    """``sin(x)``. ``|x| < 2**30`` (with 16 fraction bits); error 2 units, and 5e-14 of x from the rounding of pi.

    Two rounds; 16 bytes; from the dealer 32 bytes. A pending x is settled first.
    """
    return _wave(protocol, x, [Wave([1.0])])[0]


def cosine(protocol: Protocol, x: Share) -> Share:
    """``cos(x)``: as ``sine``."""
    return _wave(protocol, x, [Wave([], [0.0, 1.0])])[0]


def sine_and_cosine(protocol: Protocol, x: Share) -> tuple[Share, Share]:
    """Both from one opening: as ``sine``, and 8 bytes more."""
    first, second = _wave(protocol, x, [Wave([1.0]), Wave([], [0.0, 1.0])])
    return first, second


def _wave(protocol: Protocol, x: Share, series: list[Wave]) -> list[Share]:
    protocol.settle(x)
    turns = relabelled(protocol, x, round(2.0 ** (_TURN_BITS - x.scale) / (2 * math.pi)), _TURN_BITS, _TURN_BITS)
    out = protocol.waves(turns, _TURN_BITS, series)
    protocol.settle(*out)
    return out
