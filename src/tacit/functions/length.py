"""Lengths of vectors and vectors at length 1, whatever their size: each is first moved to where its square fits."""

from __future__ import annotations

from dataclasses import dataclass

from tacit.functions.range_reduction import STEP, reduce_range
from tacit.functions.roots import inverse_root, square_root
from tacit.functions.scale import compared_in_full, settled_at
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MUL

LENGTH_BITS = 31
"""A vector's length lies below 2**31, and its square below 2**62, whatever the fraction bits."""

_MOVED_BITS = 28
"""Moved vectors are shorter than 2**28 ring integers: their squares leave room for a small error of the bracket."""

_INVERSE_BITS = 46
"""Fraction bits of the inverse length and of the vector together: their product is at most 1."""

_SMALLEST = 14
"""What is moved down by more than 2**14 has an inverse length below a unit, which then counts as 0."""


@dataclass(frozen=True, eq=False)
class Moved:
    """Rows that are short enough to be squared.

    value: the rows times 2**-down, with the session's fraction bits, where down is 0 or more and one a row. square: the
    square of its length. up, down: 2**down, and 2**-down (0 if that is tiny).
    """

    value: Share
    square: Share
    up: Share
    down: Share


def moved(protocol: Protocol, x: Share) -> Moved:
    """Rows along the last dimension, of length below 2**31; see ``Moved``. A pending x is settled first.

    The whole parts of the entries tell how long a row is to within a factor of 4. Nine rounds; 40 bytes an entry.
    """
    protocol.settle(x)
    unit = protocol.settings.frac_bits
    whole = settled_at(protocol, protocol.divide_by_power_of_two(x, unit), unit)  # whole parts, read as units
    coarse = protocol.linear(lambda part: part.sum(-1, keepdim=True), protocol.square(whole, modular=True))
    first = 2 * (_MOVED_BITS - 1 - unit - unit % 2)  # the largest bracket in which nothing moves ends here

    def shift(k: int) -> int:
        return (k + STEP) // 2 + unit - _MOVED_BITS

    found = reduce_range(protocol, compared_in_full(coarse), first=max(first, -2))
    most = shift(found.exponents[-1])
    factor = found.number(lambda k: 1 << (most - max(0, shift(k))), most, none=1 << most)
    up = found.number(lambda k: 1 << max(0, shift(k)), 0, none=1)
    down = found.number(lambda k: (1 << _SMALLEST) >> max(0, shift(k)), _SMALLEST, none=1 << _SMALLEST)
    value = settled_at(protocol, protocol.multiply(MUL, x, factor), unit)
    square = protocol.linear(lambda part: part.sum(-1, keepdim=True), protocol.square(value))
    return Moved(value, compared_in_full(square), up, down)


def length(protocol: Protocol, rows: Moved) -> Share:
    """The length of each row: error 1e-4 of it or 2 units; left pending. Nine rounds, all on one number a row."""
    return protocol.multiply(MUL, square_root(protocol, rows.square), rows.up)


def unit_vectors(protocol: Protocol, rows: Moved) -> tuple[Share, Share]:
    """Each row over its length, and one over its length with 6 fraction bits more than others.

    Error 1e-4 of the largest entry or 3 units; of the inverse, half of its own unit besides. A row of zeros stays one,
    and its length counts as ``2**-0.5`` units. Eleven rounds; 16 bytes an entry.
    """
    unit = protocol.settings.frac_bits
    inverse = inverse_root(protocol, rows.square, unit=_INVERSE_BITS - unit)
    value = protocol.multiply(MUL, rows.value, inverse)
    whole = protocol.multiply(MUL, inverse, rows.down)
    value.storage.unit, whole.storage.unit = unit, unit + 6
    protocol.settle(value, whole)
    return value, whole


def shortest(frac_bits: int) -> float:
    """What the length of a vector of zeros counts as, so that one over it is a number."""
    return float(2.0 ** -(frac_bits + 0.5))
