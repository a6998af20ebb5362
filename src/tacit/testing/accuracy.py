"""Sweeps of the numeric functions over their whole ranges: worst errors and costs, for tests and for the documents."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.fixed_point import decode, encode
from tacit.runtime.launcher import run
from tacit.runtime.session import current
from tacit.settings import Settings

Function = Callable[..., Share]


@dataclass(frozen=True)
class Sweep:
    """A function, the float64 arguments it is tried on, what it should give, and the error that it declares.

    relative and units: an error is allowed up to ``relative`` of the result or ``units`` of the last place, whichever
    is more. pending: fraction bits of the first argument beyond the session's.
    """

    name: str
    function: Function
    arguments: tuple[Tensor, ...]
    truth: Callable[..., Tensor]
    relative: float
    units: float
    pending: int = 0


@dataclass(frozen=True)
class Finding:
    """What a sweep found: the worst error as a fraction of what is allowed, where, and the cost for one element.

    sent and dealt: bytes that a party sends to each other party and gets from the dealer.
    """

    name: str
    worst: float
    absolute: float
    at: tuple[float, ...]
    rounds: int
    sent: float
    dealt: float
    seconds: float


def measure(sweeps: Sequence[Sweep], settings: Settings, parties: int) -> list[Finding]:
    """Run the sweeps in one session and compare with float64."""
    results = run(_job, [f"p{rank}" for rank in range(parties)], args=(sweeps,), settings=settings)
    found: list[Finding] = results["p0"]
    return found


def _job(sweeps: Sequence[Sweep]) -> list[Finding]:
    return [_found(current().protocol, sweep) for sweep in sweeps]


def secret(protocol: Protocol, value: Tensor, pending: int = 0) -> Share:
    """A share that no party knows in the clear, of float64 numbers."""
    unit = protocol.settings.frac_bits
    share = protocol.share(encode(value, unit + pending) if not protocol.party.rank else None, 0, value.shape, unit)
    share.storage.known_by = share.storage.clear = None
    share.storage.scale = unit + pending
    return share


def _found(protocol: Protocol, sweep: Sweep) -> Finding:
    unit, meter = protocol.settings.frac_bits, current().meter
    shares = [secret(protocol, a, 0 if i else sweep.pending) for i, a in enumerate(sweep.arguments)]
    before = meter.rounds, meter.bytes_sent, meter.dealer_bytes, time.monotonic()
    out = sweep.function(protocol, *shares)
    after = meter.rounds, meter.bytes_sent, meter.dealer_bytes, time.monotonic()
    ring = protocol.reveal(out, None)
    assert ring is not None
    truth = sweep.truth(*sweep.arguments)
    error = (decode(ring, unit, torch.float64) - truth).abs()
    allowed = (truth.abs() * sweep.relative).clamp(min=sweep.units * 2.0**-unit)
    worst = int((error / allowed).argmax())
    others, count = protocol.party.world_size - 1, truth.numel()
    at = tuple(float(a.reshape(-1)[worst]) for a in sweep.arguments if a.numel() == count)
    rounds, sent, dealt, seconds = (b - a for a, b in zip(before, after, strict=True))
    return Finding(
        sweep.name,
        float((error / allowed).reshape(-1)[worst]),
        float(error.reshape(-1)[worst]),
        at,
        int(rounds),
        sent / others / count,
        dealt / count,
        seconds,
    )
