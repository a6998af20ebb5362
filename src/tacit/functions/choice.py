"""Choosing between two secrets by a secret bit."""

from __future__ import annotations

from functools import partial

import torch

from tacit.protocols._base import Protocol
from tacit.protocols.share import EVERYONE, Share, required


def choose(protocol: Protocol, bit: Share, x: Share, y: Share) -> Share:
    """``x`` where the bit is 1, else ``y``, with broadcasting.

    ``y + bit * (x - y)``: one select (65 bits, one round); for two public values one bit and one round; for two bits an
    ``and`` in place of the product.
    """
    if x.storage.boolean:
        return protocol.xor(y, protocol.both(bit, protocol.xor(x, y)))
    difference = protocol.sub(x, y)
    return protocol.add(y, gated(protocol, bit, difference))


def gated(protocol: Protocol, bit: Share, x: Share) -> Share:
    """``bit * x`` with broadcasting, at the scale of x."""
    if x.storage.known_by == EVERYONE and bit.storage.known_by is None:
        return protocol.times_public(protocol.to_number(bit, 0), required(x.clear), x.scale, x.storage.unit)
    return protocol.select(bit, [x])[0]


def gated_by_each(protocol: Protocol, bits: list[Share], xs: list[Share]) -> list[Share]:
    """``bit * x`` for pairs of one shape, in one round for all of them."""
    stacked_bits = protocol.linear(lambda *parts: torch.stack(parts), *bits)
    stacked = protocol.linear(lambda *parts: torch.stack(parts), *xs)
    (out,) = protocol.select(stacked_bits, [stacked])
    return [out.view(partial(torch.select, dim=0, index=i)) for i in range(len(xs))]
