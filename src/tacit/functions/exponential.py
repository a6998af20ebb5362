"""Exp over the whole range, from tables of the mask: the opening that serves the tables serves the comparisons too."""

from __future__ import annotations

import torch

from tacit.functions.scale import relabelled
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.elementary import EXP_SCALE, ExpRange

EXP_UNIT = 30
"""Fraction bits of ``exp_nonpositive``."""

_LN2 = 0.6931471805599453
_LEAST = 21
"""exp(-21) is less than a unit of 2**-30."""

_ROUGH = ExpRange(step_bits=2)
"""Down to -28; relative error 2**-21, and 2**-35 of 1: a 32nd of a unit of 2**-30."""

_FINE = ExpRange(step_bits=1, table_scale=42)
"""Down to -30; relative error 2**-19, and 2**-40 of the largest, of which results as small as 2**-38 count."""


def exp_nonpositive(protocol: Protocol, x: Share, among: Share | None = None) -> Share:
    """``e**x`` for ``x <= 0`` with 30 fraction bits, whatever the session's. Error 1e-6 of the result and 2**-29.

    Exactly 0 below -21. among: a secret bit; where it is 0 the result is exactly 0 (one more round, 2 bits).
    Four rounds; 162 bits; from the dealer 64 bytes for the table and 66 besides. x may be pending. For softmax: a row
    of 50,000 keeps its sum. Source: one-time tables (Ishai et al., TCC 2013).
    """
    (power,) = protocol.exponential(x, span=_ROUGH)
    (above,) = protocol.compare(x, [-_LEAST << x.scale])
    if among is not None:
        above = protocol.both(above, among)
    return protocol.select_pairs([(above, power)], settle=True)[0]


def exp(protocol: Protocol, x: Share) -> Share:
    """``e**x``. Any x; error 5e-5 of the result or 2 units; 0 below -11.8; above 31.2 the largest, ``2**45``.

    (With f fraction bits the largest is ``2**(61 - f)``.) Two windows of the same table: one is kept at full precision
    for results below ``2**(38 - f)``, the other shifted down so that nothing overflows.
    Four rounds; 295 bits; from the dealer 128 bytes for the table and 121 besides. x may be pending.
    """
    unit = protocol.settings.frac_bits
    shift, top = 38 - unit, 62 - unit
    small, large = protocol.exponential(x, (shift, top), _FINE)
    bounds = [_at(bound, x.scale) for bound in (-(unit + 1) * _LN2, int(shift * _LN2), (top - 1) * _LN2)]
    above, middle, beyond = protocol.compare(x, bounds)
    pairs = [
        (protocol.xor(above, middle), relabelled(protocol, small, 1, EXP_SCALE - shift, unit)),
        (protocol.xor(middle, beyond), relabelled(protocol, large, 4, unit, unit)),
        (beyond, protocol.public(torch.tensor(1 << (top - 1 + unit)), unit)),
    ]
    first, second, third = protocol.select_pairs(pairs, settle=True)
    return protocol.add(protocol.add(first, second), third)


def _at(bound: float, scale: int) -> int:
    return round(bound * 2.0**scale)
