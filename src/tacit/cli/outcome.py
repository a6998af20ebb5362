"""What a party tells the command line about its run: costs and shapes, and values only when they were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tacit.cli.jobfile import load_job
from tacit.profile import Reveal
from tacit.runtime.api import ledger, profile


@dataclass(frozen=True)
class Outcome:
    """How the job went at one party. ``returned`` says what kind of thing its result is; ``shown`` is the result."""

    returned: str
    shown: str
    rounds: int
    bytes_sent: int
    dealer_bytes: int
    costs: str
    revealed: tuple[Reveal, ...]


def run_job_file(path: str, show: bool) -> Outcome:
    """Be one party: load the file, run its job, and report. ``show``: tell what it returned, not only of what kind."""
    job = load_job(Path(path))
    with profile() as costs:
        result = job()
    return Outcome(
        returned=kind_of(result),
        shown=str(result) if show and result is not None else "",
        rounds=costs.rounds,
        bytes_sent=costs.bytes_sent,
        dealer_bytes=costs.dealer_bytes,
        costs=str(costs.table()),
        revealed=tuple(ledger()),
    )


def kind_of(result: Any) -> str:
    """What kind of thing a result is, without its value: ``"tensor 60x10 float32"``."""
    match result:
        case None:
            return "nothing"
        case torch.Tensor():
            shape = "x".join(map(str, result.shape)) or "of one number"
            return f"{_word(result)} {shape} {str(result.dtype).removeprefix('torch.')}"
        case Mapping():
            return f"{type(result).__name__} of {_number(len(result), 'entry', 'entries')}"
        case list() | tuple():
            return f"{type(result).__name__} of {_number(len(result), 'item', 'items')}"
    return type(result).__name__


def _word(tensor: torch.Tensor) -> str:
    return "tensor" if type(tensor) in (torch.Tensor, torch.nn.Parameter) else type(tensor).__name__.lower()


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
