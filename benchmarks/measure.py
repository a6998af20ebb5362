"""One row, measured: the parties as processes, their counts put together, the result compared with PyTorch's."""

from __future__ import annotations

import statistics
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import tacit
from benchmarks.job import Outcome, Repetition, job
from benchmarks.limits import Limits
from benchmarks.rows import CLINIC, JOINT, LAB, WHO, Row
from tacit.errors import NotBuiltError, PartyFailedError, UnsupportedOpError
from tacit.transport.shaped import NETWORKS

Record = dict[str, Any]
"""What is known of one row; goes to JSON as it is."""


def measure(row: Row, repeat: int, limits: Limits, network: str | None = None, profile: str | None = None) -> Record:
    """The record of one row. ``status`` is "measured", "not built" (an operation has no rule yet) or "failed"."""
    record: Record = {"row": row.name, "title": row.title, "who": WHO[row.sharing], "sharing": row.sharing}
    try:
        outcomes = _run(row, repeat, profile=profile)
        record |= {"status": "measured"} | summary(outcomes) | _errors(row, outcomes)
        record |= _floor(row, record, limits)
        if network is not None:
            record["network"] = _over(network, row, repeat, record, limits)
    except PartyFailedError as error:
        built = not isinstance(error.__cause__, UnsupportedOpError | NotBuiltError)
        reason = str(error.__cause__ or error).splitlines()[0].partition(". ")[0]
        record |= {"status": "failed" if built else "not built", "reason": reason}
    return record


def _run(row: Row, repeat: int, network: str | None = None, profile: str | None = None) -> list[Outcome]:
    arguments = (row.name, repeat, network, profile)
    return list(tacit.run(job, parties=[LAB, CLINIC], args=arguments, backend="processes").values())


def summary(outcomes: list[Outcome]) -> Record:
    """Times of the slower party, traffic of all parties."""
    together = list(zip(*(outcome.repetitions for outcome in outcomes), strict=True))
    seconds = [max(each.seconds for each in repetition) for repetition in together]
    first = [outcome.first for outcome in outcomes]
    return {
        "seconds": statistics.median(seconds),
        "spread": max(seconds) - min(seconds),
        "all_seconds": seconds,
        "cpu": statistics.median(max(each.cpu for each in repetition) for repetition in together),
        "rounds": max(each.rounds for each in together[-1]),
        "mb_online": sum(each.bytes_sent for each in together[-1]) / 1e6,
        "mb_dealer": sum(each.dealer_bytes for each in together[-1]) / 1e6,
        "mb_busiest": max(each.bytes_sent for each in together[-1]) / 1e6,
        "dealer_cpu": statistics.median(repetition[0].dealer_cpu for repetition in together),
        "peak_mb": max(outcome.peak_mb for outcome in outcomes),
        "dealer_peak_mb": max(outcome.dealer_peak_mb for outcome in outcomes),
        "first": _first(first),
        "primitives": outcomes[0].table,
    }


def _first(repetitions: list[Repetition]) -> Record:
    return {
        "seconds": max(each.seconds for each in repetitions),
        "rounds": max(each.rounds for each in repetitions),
        "mb_online": sum(each.bytes_sent for each in repetitions) / 1e6,
        "mb_dealer": sum(each.dealer_bytes for each in repetitions) / 1e6,
    }


def _errors(row: Row, outcomes: list[Outcome]) -> Record:
    """The result of the last repetition against PyTorch's in double precision."""
    results, _ = reference(row, outcomes[0].runs)
    pairs = list(zip(outcomes[0].results, results, strict=True))
    differences = [(private.double() - plain.double()).abs().max() for private, plain in pairs]
    return {
        "max_error": float(torch.stack(differences).max()),
        "max_value": max(float(plain.double().abs().max()) for _, plain in pairs),
    }


def reference(row: Row, runs: int) -> tuple[list[Tensor], float]:
    """What PyTorch gives for ``runs`` repetitions, and how many multiplications in products one of them takes."""
    work = row.make()
    inputs = [x.double() for x in work.inputs]
    net = work.net.double()
    counter = FlopCounterMode(display=False)
    with counter:
        out = work.call(net, *inputs)
    for _ in range(runs - 1 if work.trains else 0):
        out = work.call(net, *inputs)
    results = [x.detach() for x in net.parameters()] if work.trains else [out]
    return results, counter.get_total_flops() / 2


def _floor(row: Row, record: Record, limits: Limits) -> Record:
    """The least that this work can take here: two products for one where no party knows an operand."""
    _, macs = reference(row, 1)
    products = 2 if row.sharing == JOINT else 1
    floor = limits.seconds(products * macs, round(record["mb_busiest"] * 1e6), record["rounds"])
    return {"macs": macs, "floor": floor, "share_of_limit": floor / record["seconds"]}


def _over(network: str, row: Row, repeat: int, record: Record, limits: Limits) -> Record:
    """Forecast from the counts and the time on loopback; beside it, measured over shaped links."""
    links, nbytes = NETWORKS[network], record["mb_busiest"] * 1e6
    here = record["rounds"] * limits.latency + nbytes / limits.rate
    compute = max(0.0, record["seconds"] - here)
    forecast = compute + links.seconds(record["rounds"], round(nbytes))
    seconds = summary(_run(row, repeat, network))["seconds"]
    return {"name": network, "forecast": forecast, "seconds": seconds, "difference": forecast / seconds - 1}
