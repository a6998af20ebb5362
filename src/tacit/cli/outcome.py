"""What a party tells the command line about its run: costs and shapes, and values only when they were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from tacit.cli.jobfile import load_job
from tacit.cli.machine import plain
from tacit.profile import Cost, Place, Reveal
from tacit.runtime.api import ledger, profile


@dataclass(frozen=True)
class Outcome:
    """How the job went at one party. ``returned`` says what kind of thing its result is; ``shown`` is the result.

    value: the same for JSON. by_place: the costs by module, operation and primitive.
    """

    returned: str
    shown: str
    value: Any
    rounds: int
    bytes_sent: int
    dealer_bytes: int
    costs: str
    by_place: tuple[tuple[Place, Cost], ...]
    revealed: tuple[Reveal, ...]

    def as_json(self) -> dict[str, Any]:
        """For a program. The value is there only if it was to be shown."""
        costs = [
            {**place._asdict(), **{field.name: getattr(cost, field.name) for field in fields(cost)}}
            for place, cost in self.by_place
        ]
        return {
            "returned": self.returned,
            "value": self.value,
            "rounds": self.rounds,
            "bytes_sent": self.bytes_sent,
            "dealer_bytes": self.dealer_bytes,
            "costs": costs,
            "revealed": [asdict(reveal) for reveal in self.revealed],
        }


def run_job_file(path: str, show: bool) -> Outcome:
    """Be one party: load the file, run its job, and report. ``show``: tell what it returned, not only of what kind."""
    job = load_job(Path(path))
    with profile() as costs:
        result = job()
    return Outcome(
        returned=kind_of(result),
        shown=str(result) if show and result is not None else "",
        value=plain(result) if show else None,
        rounds=costs.rounds,
        bytes_sent=costs.bytes_sent,
        dealer_bytes=costs.dealer_bytes,
        costs=str(costs.table()),
        by_place=tuple(costs.costs.items()),
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
