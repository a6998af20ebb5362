"""Scales of intermediate results: what the numeric functions do to fraction bits, in one place."""

from __future__ import annotations

import torch

from tacit.protocols._base import Protocol
from tacit.protocols.share import Share


def settled_at(protocol: Protocol, x: Share, unit: int) -> Share:
    """An intermediate result with ``unit`` fraction bits: truncated in place (one round), or lifted, which is local."""
    if x.scale < unit:
        return protocol.with_unit(x, unit)
    x.storage.unit = unit
    protocol.settle(x)
    return x


def relabelled(protocol: Protocol, x: Share, factor: int, scale: int, unit: int) -> Share:
    """The ring integers of x times a whole number, read at another scale; local, exact modulo 2**64."""
    out = protocol.linear(lambda part: part * factor, x)
    out.storage.scale, out.storage.unit = scale, unit
    return out


def capacity(protocol: Protocol, x: Share) -> int:
    """The bits of the ring integers that a comparison with x can tell apart: 62, or fewer with narrow comparisons."""
    lift = x.scale - x.storage.unit + 1 if x.storage.pending else 0
    return min(62, protocol.settings.compare_bits - 2 + lift)


def compared_in_full(x: Share) -> Share:
    """Marks an intermediate result: comparisons with it open all bits, however narrow those of the session are."""
    x.storage.unit = 0
    return x


def plus(protocol: Protocol, x: Share, value: float) -> Share:
    """``x + value`` for a public value; local."""
    constant = torch.tensor(round(value * 2.0**x.scale))
    return protocol.add(x, protocol.public(constant, x.storage.unit, x.scale))
