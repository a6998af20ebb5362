"""What each primitive costs, declared: the tests measure that it keeps to this.

Bits are for one element and what a party sends to *each* other party; dealer bits are what the source sends to the one
party whose shares it corrects. Bits of planes are padded to 64 elements. Operands are taken as never opened before, and
as small enough for one block (see ``blocks``): what follows the opening takes its rounds again for each further one.
"""

from __future__ import annotations

from dataclasses import dataclass

from tacit.correlations.requests import top_width
from tacit.correlations.tables import chunk_widths, table_planes
from tacit.protocols.additive.decomposition import BORROWS
from tacit.protocols.additive.tree import FAN_IN, across_monomials, order_monomials, running_monomials, split
from tacit.ring.chunks import CHUNK_BITS, ENTRIES
from tacit.ring.conjunctions import subsets


@dataclass(frozen=True)
class Cost:
    """Rounds, bits to each other party and bits from the dealer, for one element."""

    rounds: int
    bits: int
    dealer_bits: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.rounds + other.rounds, self.bits + other.bits, self.dealer_bits + other.dealer_bits)


MUL = Cost(1, 128, 64)
SQUARE = Cost(1, 64, 64)
SELECT = Cost(1, 65, 128)
BOTH = Cost(1, 2, 1)
TO_NUMBER = Cost(1, 1, 64)
REVEAL = Cost(1, 64, 0)
REVEAL_BIT = Cost(1, 1, 0)


def select_sums(bits: int, values: int) -> Cost:
    """Any weighted sums of what that many bits choose of that many values."""
    return Cost(1, bits + 64 * values, 64 * bits * (1 + values))


def truncate(shift: int, exact: bool = False) -> Cost:
    """``x / 2**shift``."""
    top = top_width(64, shift)
    cost = Cost(1, 64, 64 + top)
    return cost + Cost(0, 0, table_planes(shift)) + less_than(shift) + TO_NUMBER if exact else cost


def compare(width: int = 64, thresholds: int = 1) -> Cost:
    """``[x >= t]`` for one or more thresholds."""
    tree = less_than(width - 2)
    tables = table_planes(width - 2) + 1
    return Cost(1 + tree.rounds, width + thresholds * tree.bits, tables + thresholds * tree.dealer_bits)


def equals_zero(width: int = 64) -> Cost:
    """``[x == 0]``."""
    return Cost(1, width, table_planes(width)) + all_equal(width)


def relu(width: int = 64, shift: int = 0) -> Cost:
    """``max(x, 0) / 2**shift``, the truncation included."""
    choice = Cost(1, 1, 128)
    if shift or width < 64:
        choice = Cost(1, 1, 3 * 64 + 2 * top_width(width, shift))
    return compare(width) + choice


def less_than(bits: int) -> Cost:
    """The tree that combines the chunks' orders."""
    cost, chunks = Cost(0, 0, 0), len(chunk_widths(bits))
    while chunks > 1:
        groups = split(chunks, lowest_apart=True)
        opened = products = 0
        for group in groups:
            if group.fan > 1:
                variables, monomials = order_monomials(group.fan, lowest=group.start == 0)
                opened += group.count * variables
                products += group.count * len(subsets(monomials))
        cost += Cost(1, opened, products)
        chunks = sum(group.count for group in groups)
    return cost


def bits(width: int = 64) -> Cost:
    """The ``width`` low bits."""
    chunks = -(-width // CHUNK_BITS)
    cost = Cost(1, width, chunks * (ENTRIES - 1))
    if chunks > 1:
        cost += running_less_than(chunks - 1) + Cost(1, (chunks - 1) * CHUNK_BITS, (chunks - 1) * len(BORROWS))
    return cost


def running_less_than(chunks: int) -> Cost:
    """The prefixes of the chunks' orders."""
    cost = Cost(0, 0, 0)
    nodes = [
        (group.count, *running_monomials(group.fan, lowest=group.start == 0))
        for group in split(chunks, lowest_apart=True)
        if group.fan > 1
    ]
    if nodes:
        opened = sum(count * variables for count, variables, _ in nodes)
        cost += Cost(1, opened, sum(count * len(subsets(monomials)) for count, _, monomials in nodes))
    if chunks > FAN_IN:
        variables, monomials = across_monomials(chunks)
        cost += Cost(1, variables, len(subsets(monomials)))
    return cost


def all_equal(bits: int) -> Cost:
    """The tree that combines the chunks' equalities."""
    cost, chunks = Cost(0, 0, 0), len(chunk_widths(bits))
    while chunks > 1:
        groups = split(chunks, lowest_apart=False)
        opened = sum(group.count * group.fan for group in groups if group.fan > 1)
        products = sum(group.count * len(subsets((tuple(range(group.fan)),))) for group in groups if group.fan > 1)
        cost += Cost(1, opened, products)
        chunks = sum(group.count for group in groups)
    return cost
