"""Softmax and its kin over the last dimension. Exponentials and their sum keep 30 fraction bits until the end."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from tacit.functions.choice import choose
from tacit.functions.exponential import EXP_UNIT, exp_nonpositive
from tacit.functions.logarithm import logarithm
from tacit.functions.reciprocal import reciprocal_between
from tacit.functions.scale import capacity, compared_in_full, settled_at
from tacit.functions.tournament import play
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MUL

Mask = Tensor | Share | None
"""Which entries count: public bits, secret bits, or all; broadcast against the entries."""


def softmax(protocol: Protocol, x: Share, mask: Mask = None) -> Share:
    """``exp(x)`` over its sum along the last dimension. Error 1e-4 of the result or 2 units, for 1 to 2**18 entries.

    Differences within a row are below ``2**(61 - scale)``. A row in which no entry counts gives 0. x may be pending.
    Four rounds and 98 bits a match for the largest, of which there is one less than entries; then, for each entry, 36
    bytes and from the dealer 160, and 9 rounds, 14 for more than 15 entries.
    """
    power, total, _ = _exponentials(protocol, x, mask)
    inverse = reciprocal_between(protocol, total, EXP_UNIT, _high(x), EXP_UNIT)
    spread = inverse.view(lambda part: part.unsqueeze(-1))
    return settled_at(protocol, protocol.multiply(MUL, power, spread), protocol.settings.frac_bits)


def log_softmax(protocol: Protocol, x: Share, mask: Mask = None) -> Share:
    """The logarithm of softmax. Error 2 units. Cost of ``softmax`` without the product; see there."""
    _, total, below = _exponentials(protocol, x, mask)
    log = logarithm(protocol, total, low=EXP_UNIT, high=_high(x))
    protocol.settle(below)
    return protocol.sub(below, log.view(lambda part: part.unsqueeze(-1)))


def logsumexp(protocol: Protocol, x: Share, mask: Mask = None) -> Share:
    """The logarithm of the sum of ``exp(x)`` along the last dimension. Error 2 units. See ``softmax``."""
    best = _best(protocol, x, mask)
    _, total, _ = _exponentials(protocol, x, mask, best)
    log = logarithm(protocol, total, low=EXP_UNIT, high=_high(x))
    protocol.settle(best)
    return protocol.add(best, log)


def _exponentials(protocol: Protocol, x: Share, mask: Mask, best: Share | None = None) -> tuple[Share, Share, Share]:
    """``exp(x - max)``, its sum along the last dimension, both with 30 fraction bits, and ``x - max``."""
    best = _best(protocol, x, mask) if best is None else best
    below = protocol.sub(x, best.view(lambda part: part.unsqueeze(-1)))
    among = mask if isinstance(mask, Share) else None
    if among is not None:
        among = among.view(lambda part: part.expand(x.shape))
    power = exp_nonpositive(protocol, below, among)
    if isinstance(mask, Tensor):
        counts = mask.to(torch.int64)
        power = protocol.linear(lambda part: part * counts, power)
    return power, compared_in_full(protocol.linear(lambda part: part.sum(-1), power)), below


def _best(protocol: Protocol, x: Share, mask: Mask) -> Share:
    """The largest entry that counts. What does not count stands far below."""
    if mask is None:
        return play(protocol, x).best
    far_below = -1 << (capacity(protocol, x) - 2)
    low = protocol.public(torch.tensor(far_below), x.storage.unit, x.scale)
    if isinstance(mask, Share):
        return play(protocol, choose(protocol, mask, x, low)).best
    counts = mask.to(torch.int64)
    kept = protocol.linear(partial(torch.mul, other=counts), x)
    floor = protocol.public((1 - counts) * far_below, x.storage.unit, x.scale)
    return play(protocol, protocol.add(kept, floor)).best


def _high(x: Share) -> int:
    """The sum of L entries of at most 1 is below this power of two."""
    return EXP_UNIT + x.shape[-1].bit_length()
