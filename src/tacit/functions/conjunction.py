"""Folding the last dimension with an operation on pairs."""

from __future__ import annotations

from functools import partial

import torch

from tacit.protocols._base import Protocol
from tacit.protocols.share import Share


def conjunction(protocol: Protocol, bits: Share) -> Share:
    """Whether all bits along the last dimension are 1: a round for each doubling of their number, two bits a pair."""
    size = bits.shape[-1]
    if size == 0:
        return protocol.public(torch.ones(bits.shape[:-1], dtype=torch.bool), 0)
    while size > 1:
        half = size // 2
        left, right = (bits.view(partial(torch.narrow, dim=-1, start=start, length=half)) for start in (0, half))
        folded = protocol.both(left, right)
        if size % 2:
            rest = bits.view(partial(torch.narrow, dim=-1, start=size - 1, length=1))
            folded = protocol.linear(lambda a, b: torch.cat((a, b), -1), folded, rest)
        bits, size = folded, half + size % 2
    return protocol.linear(lambda part: part.squeeze(-1), bits)
