"""What ``tacit.profile()`` returns: the costs of a stretch of a program."""

from __future__ import annotations

from contextlib import AbstractContextManager
from os import PathLike
from types import TracebackType

from tacit.party import Party
from tacit.profile.meter import Cost, Meter, Place, Span
from tacit.profile.table import By, PrintableTable, cost_table
from tacit.profile.trace import save_trace, trace_events


class Recording:
    """The costs of one party between entering and leaving; while inside, those so far.

    rounds: steps of the longest chain of dependent messages. bytes_sent, bytes_received: payload to and from other
    parties. dealer_bytes: payload from the dealer. modules: tells the meter which module runs, while entered.
    """

    def __init__(self, meter: Meter, party: Party, modules: AbstractContextManager[None]) -> None:
        self.party = party
        self._modules = modules
        self._meter = meter
        self._costs: dict[Place, Cost] | None = None
        self._before: dict[Place, Cost] = {}
        self._spans: list[Span] = []
        self._outer: list[Span] | None = None

    def __enter__(self) -> Recording:
        self._before = self._meter.snapshot()
        self._outer = self._meter.spans
        self._meter.spans = self._spans
        self._modules.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._modules.__exit__(kind, error, tb)
        self._costs = self._meter.since(self._before)
        self._meter.spans = self._outer
        if self._outer is not None:
            self._outer.extend(self._spans)

    @property
    def costs(self) -> dict[Place, Cost]:
        """Costs by module, op and primitive."""
        return self._meter.since(self._before) if self._costs is None else self._costs

    @property
    def total(self) -> Cost:
        """The sum of all costs."""
        total = Cost()
        for cost in self.costs.values():
            total.add(cost)
        return total

    @property
    def rounds(self) -> int:
        """Rounds of communication."""
        return self.total.rounds

    @property
    def bytes_sent(self) -> int:
        """Payload bytes that this party sent to the others."""
        return self.total.bytes_sent

    @property
    def bytes_received(self) -> int:
        """Payload bytes that this party received from the others."""
        return self.total.bytes_received

    @property
    def dealer_bytes(self) -> int:
        """Payload bytes that this party received from the dealer."""
        return self.total.dealer_bytes

    def table(self, by: By = "op") -> PrintableTable:
        """A table by ``"op"``, ``"module"`` or ``"primitive"``; ``print`` and ``rich`` both show it."""
        return cost_table(self.costs, by, f"Cost by {by} at {self.party.name}")

    def save(self, path: str | PathLike[str]) -> None:
        """Write a trace that https://ui.perfetto.dev and chrome://tracing open."""
        save_trace(path, trace_events(self._spans, self.party.name, self.party.rank))

    def __repr__(self) -> str:
        total = self.total
        return f"<profile of {self.party.name}: {total.rounds} rounds, {total.bytes_sent} bytes sent>"
