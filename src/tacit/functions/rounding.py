"""Rounding to whole numbers, exact: a truncation, which may be off by one, and a comparison that tells by how much."""

from __future__ import annotations

import torch

from tacit.functions.choice import choose
from tacit.functions.scale import relabelled
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share


def floor(protocol: Protocol, x: Share, unit: int | None = None) -> Share:
    """The largest whole number not above x, exact. ``|x| < 2**45`` (with 16 fraction bits). x may be pending.

    unit: fraction bits of the result, the session's unless given; 0 makes an integer of it. Five rounds; 20.3 bytes;
    from the dealer 60 bytes.
    """
    whole, rest = _divided(protocol, x, x.scale)
    (above,) = protocol.compare(rest, [0])
    return _number(protocol, protocol.add(whole, protocol.to_number(above, 0)), -1, unit)


def ceil(protocol: Protocol, x: Share) -> Share:
    """The least whole number not below x: as ``floor``."""
    return protocol.neg(floor(protocol, protocol.neg(x)))


def round_to_even(protocol: Protocol, x: Share) -> Share:
    """The nearest whole number, ties to the even one, exact. ``|x| < 2**45`` (with 16 fraction bits).

    With ``x + 1/2 = 2 q + r`` and whole q, three thresholds on r decide. Five rounds; 28.8 bytes; from the dealer 101
    bytes. x may be pending.
    """
    half = 1 << (x.scale - 1) if x.scale else 0
    moved = protocol.add(x, protocol.public(torch.tensor(half), x.storage.unit, x.scale))
    pairs, rest = _divided(protocol, moved, x.scale + 1)
    one = 1 << x.scale
    bits = protocol.compare(rest, [1 - one, 0, one + 1])
    total = protocol.to_number(protocol.linear(lambda *parts: torch.stack(parts), *bits), 0)
    steps = protocol.linear(lambda part: part.sum(0), total)
    return _number(protocol, protocol.add(relabelled(protocol, pairs, 2, 0, 0), steps), -2)


def truncated(protocol: Protocol, x: Share, unit: int | None = None) -> Share:
    """The whole number next to x towards zero: two of ``floor``, a comparison and a select."""
    protocol.settle(x)
    down, up = floor(protocol, x, unit), protocol.neg(floor(protocol, protocol.neg(x), unit))
    return choose(protocol, protocol.compare(x, [0])[0], down, up)


def _divided(protocol: Protocol, x: Share, bits: int) -> tuple[Share, Share]:
    """A whole q that is the floor of ``x / 2**bits`` in ring integers or one more, and the rest ``x - 2**bits q``."""
    quotient = relabelled(protocol, x, 1, bits, 0)
    protocol.settle(quotient)
    back = relabelled(protocol, quotient, -(1 << bits), x.scale, x.storage.unit)
    return quotient, protocol.add(x, back)


def _number(protocol: Protocol, whole: Share, correction: int, unit: int | None = None) -> Share:
    corrected = protocol.add(whole, protocol.public(torch.tensor(correction), 0))
    return protocol.with_unit(corrected, protocol.settings.frac_bits if unit is None else unit)
