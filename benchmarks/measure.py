"""One row, measured: the parties as processes, their counts put together, the result compared with PyTorch's."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import tacit
from benchmarks.ahead import run_ahead
from benchmarks.job import SETTINGS, Outcome, Repetition, job
from benchmarks.limits import Limits
from benchmarks.rows import CLINIC, JOINT, LAB, WHO, Row
from tacit.errors import NotBuiltError, PartyFailedError, UnsupportedOpError

Record = dict[str, Any]
"""What is known of one row; goes to JSON as it is."""


_WRONG = 0.02
"""A result that is off by more than this share of the largest value is no result, however fast."""


@dataclass(frozen=True)
class Wishes:
    """How to measure. networks: also over such links. profile: where to write a cProfile of one party.

    tls: everything once more over TLS, turn by turn.
    """

    repeat: int = 5
    networks: tuple[str, ...] = ()
    profile: str | None = None
    tls: bool = False


def measure(row: Row, wishes: Wishes, limits: Limits) -> Record:
    """The record of one row. ``status`` is "measured", "not built" (an operation has no rule yet) or "failed".

    online: from randomness dealt before, some of it read ahead; dealing: what that took; live: with a dealer that works
    in the same time.
    """
    record: Record = {"row": row.name, "title": row.title, "who": WHO[row.sharing], "sharing": row.sharing}
    try:
        live = list(tacit.run(job, [LAB, CLINIC], (row.name, wishes.repeat), "processes", SETTINGS).values())
        ahead = run_ahead(row, wishes.repeat, (None, *wishes.networks), wishes.profile, wishes.tls)
    except PartyFailedError as error:
        built = not isinstance(error.__cause__, UnsupportedOpError | NotBuiltError)
        reason = str(error.__cause__ or error).splitlines()[0].partition(". ")[0]
        return record | {"status": "failed" if built else "not built", "reason": reason}
    online = ahead.outcomes[None]
    record |= {"status": "measured", **_counts(online)}
    record["live"] = {**times(live), "first": times(live, first=True)["seconds"], **_peaks(live)}
    record["online"] = {**times(online), **_peaks(online)}
    record["first"] = {**times(online, first=True), **_counts(online, first=True)}
    record["dealing"] = {"seconds": ahead.dealing, "mb": ahead.mb}
    record |= _errors(row, online)
    if not record["max_error"] <= _WRONG * max(1.0, record["max_value"]):
        return record | {"status": "failed", "reason": f"the result is off by {record['max_error']:.1e}"}
    record |= _floor(row, record, limits)
    record["primitives"] = online[0].table
    record["tls"] = [_sealed(network, ahead.outcomes[network], each) for network, each in ahead.sealed.items()]
    record["networks"] = [_forecast(name, online, ahead.outcomes[name]) for name in wishes.networks]
    return record


def _together(outcomes: list[Outcome], first: bool) -> list[tuple[Repetition, ...]]:
    """What all parties measured of each repetition, or of the first one alone."""
    if first:
        return [tuple(outcome.first for outcome in outcomes)]
    return list(zip(*(outcome.repetitions for outcome in outcomes), strict=True))


def times(outcomes: list[Outcome], first: bool = False) -> Record:
    """Wall time of the slower party, processor time of the busier one."""
    together = _together(outcomes, first)
    seconds = [max(each.seconds for each in repetition) for repetition in together]
    cpu = statistics.median(max(each.cpu for each in repetition) for repetition in together)
    preparing = max(outcome.preparing for outcome in outcomes)
    found = {"seconds": statistics.median(seconds), "spread": max(seconds) - min(seconds), "cpu": cpu}
    return {**found, "preparing": preparing, "all_seconds": seconds}


def _counts(outcomes: list[Outcome], first: bool = False) -> Record:
    """Traffic of one repetition, the sum of all parties."""
    last = _together(outcomes, first)[-1]
    return {
        "rounds": max(each.rounds for each in last),
        "mb_online": sum(each.bytes_sent for each in last) / 1e6,
        "mb_dealer": sum(each.dealer_bytes for each in last) / 1e6,
        "mb_busiest": max(each.bytes_sent for each in last) / 1e6,
    }


def _peaks(outcomes: list[Outcome]) -> Record:
    dealer = max(outcome.dealer_peak_mb for outcome in outcomes)
    return {"peak_mb": max(outcome.peak_mb for outcome in outcomes)} | ({"dealer_peak_mb": dealer} if dealer else {})


def _errors(row: Row, outcomes: list[Outcome]) -> Record:
    """The result of the last repetition against PyTorch's in double precision."""
    results, macs = reference(row, outcomes[0].runs)
    pairs = list(zip(outcomes[0].results, results, strict=True))
    differences = [(private.double() - plain.double()).abs().max() for private, plain in pairs]
    values = [plain.double().abs().max() for _, plain in pairs]
    return {"max_error": float(max(differences)), "max_value": float(max(values)), "macs": macs}


def reference(row: Row, runs: int) -> tuple[list[Tensor], float]:
    """What PyTorch gives for ``runs`` repetitions, and how many multiplications in products one of them takes."""
    work = row.make()
    inputs = [x.double() for x in work.inputs]
    net = work.net.double()
    with FlopCounterMode(display=False) as counter:
        out = work.call(net, *inputs)
    for _ in range(runs - 1 if work.trains else 0):
        out = work.call(net, *inputs)
    results: list[Tensor] = [x.detach() for x in net.parameters()] if work.trains else [torch.as_tensor(out)]
    return results, counter.get_total_flops() / 2


def _floor(row: Row, record: Record, limits: Limits) -> Record:
    """The least that this work can take here: two products for one where no party knows an operand."""
    products = 2 if row.sharing == JOINT else 1
    floor = limits.seconds(products * record["macs"], round(record["mb_busiest"] * 1e6), record["rounds"])
    return {"floor": floor, "share_of_limit": floor / record["online"]["seconds"]}


def _sealed(network: str | None, plain: list[Outcome], sealed: list[Outcome]) -> Record:
    """What it took over TLS beside what it took without."""
    without, with_tls = times(plain)["seconds"], times(sealed)["seconds"]
    return {"name": network or "loopback", "plain": without, "tls": with_tls, "ratio": with_tls / without}


def _forecast(network: str, online: list[Outcome], measured: list[Outcome]) -> Record:
    """What the run over bare loopback foresaw for a network, beside what it took over it."""
    together = _together(online, first=False)
    forecast = statistics.median(max(each.predicted[network] for each in repetition) for repetition in together)
    seconds = times(measured)["seconds"]
    return {"name": network, "forecast": forecast, "seconds": seconds, "difference": forecast / seconds - 1}
