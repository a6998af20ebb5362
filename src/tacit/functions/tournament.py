"""The largest of several secrets by matches of neighbours; who won each match is kept for gradients and indices.

Neighbours meet, so the left one of a match always stands for smaller indices; the right one wins only if it is strictly
larger. At equal values the first index wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from tacit.functions.choice import gated
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share


@dataclass(frozen=True, eq=False)
class Tournament:
    """best: the largest of ``size`` entries along the last dimension. rounds: for each level, the bits [right one won].

    A level of an odd number of entries passes its last one on to the next level without a match.
    """

    best: Share
    rounds: tuple[Share, ...]
    size: int


def play(protocol: Protocol, x: Share) -> Tournament:
    """Find the largest along the last dimension: a ReLU (98 bits, four rounds) for each match, log2(size) levels.

    A pending x stays pending: the truncation is left to whoever uses the result.
    """
    size = x.shape[-1]
    entries, rounds = x, []
    while entries.shape[-1] > 1:
        left, right, rest = _matches(entries)
        difference = protocol.sub(right, left)
        risen = protocol.relu(difference, settle=False)
        rounds.append(protocol.positive(difference))
        entries = _joined(protocol, protocol.add(left, risen), rest)
    best = protocol.linear(lambda part: part.squeeze(-1), entries)
    return Tournament(best, tuple(rounds), size)


def routed(protocol: Protocol, tournament: Tournament, grad: Share) -> Share:
    """Give ``grad`` (of the shape of ``best``) to the entry that won, zero to all others.

    No comparison: one select (65 bits, one round) a level, on as many elements as there were matches.
    """
    entries = grad.view(lambda part: part.unsqueeze(-1))
    for bits in reversed(tournament.rounds):
        matches = bits.shape[-1]
        winners = entries.view(partial(_first, count=matches))
        right = gated(protocol, bits, winners)
        left = protocol.sub(winners, right)
        pairs = protocol.linear(lambda a, b: torch.stack((a, b), -1).flatten(-2), left, right)
        rest = entries.view(partial(_all_but_first, count=matches))
        entries = _joined(protocol, pairs, rest if rest.shape[-1] else None)
    return entries


def index_of_best(protocol: Protocol, tournament: Tournament, labels: Tensor) -> Share:
    """The public label of the entry that won, as a whole number. labels: int64, broadcast against the entries.

    One round a level: 1 bit a match on the first, 65 on the others.
    """
    shape = (*tournament.best.shape, tournament.size)
    return labels_of_best(protocol, tournament, protocol.public(labels.expand(shape), 0))


def labels_of_best(protocol: Protocol, tournament: Tournament, labels: Share) -> Share:
    """The same for labels that may be secret, one for each entry: 65 bits a match then."""
    entries = labels
    for bits in tournament.rounds:
        left, right, rest = _matches(entries)
        chosen = protocol.add(left, gated(protocol, bits, protocol.sub(right, left)))
        entries = _joined(protocol, chosen, rest)
    return protocol.linear(lambda part: part.squeeze(-1), entries)


def _first(part: Tensor, count: int) -> Tensor:
    return part[..., :count]


def _all_but_first(part: Tensor, count: int) -> Tensor:
    return part[..., count:]


def _matches(entries: Share) -> tuple[Share, Share, Share | None]:
    """Even entries, the odd ones that they meet, and the last one if there is no opponent for it."""
    size = entries.shape[-1]
    left = entries.view(lambda part: part[..., 0 : size - size % 2 : 2])
    right = entries.view(lambda part: part[..., 1::2])
    return left, right, entries.view(lambda part: part[..., size - 1 :]) if size % 2 else None


def _joined(protocol: Protocol, entries: Share, rest: Share | None) -> Share:
    return entries if rest is None else protocol.linear(lambda a, b: torch.cat((a, b), -1), entries, rest)
