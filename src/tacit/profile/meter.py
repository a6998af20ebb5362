"""Counts rounds, bytes and time by module, by op and by primitive; cheap enough to be always on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter_ns
from types import TracebackType
from typing import NamedTuple


class Place(NamedTuple):
    """Where a cost arises: the module path, the outermost op in it and the innermost one (the primitive)."""

    module: str
    op: str
    primitive: str


@dataclass(slots=True)
class Cost:
    """What one place cost: payload bytes to and from other parties, bytes from the dealer, own time in nanoseconds."""

    calls: int = 0
    rounds: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    dealer_bytes: int = 0
    nanoseconds: int = 0

    def add(self, other: Cost, sign: int = 1) -> None:
        """Add ``sign`` times ``other``."""
        self.calls += sign * other.calls
        self.rounds += sign * other.rounds
        self.bytes_sent += sign * other.bytes_sent
        self.bytes_received += sign * other.bytes_received
        self.dealer_bytes += sign * other.dealer_bytes
        self.nanoseconds += sign * other.nanoseconds

    def copy(self) -> Cost:
        """An independent copy."""
        duplicate = Cost()
        duplicate.add(self)
        return duplicate


@dataclass(slots=True)
class Span:
    """One op for the trace: begin and end in nanoseconds of ``perf_counter_ns``, bytes and rounds inside it."""

    name: str
    kind: str
    begin: int
    end: int
    bytes_sent: int
    rounds: int


OUTSIDE = Place("", "(outside any op)", "(outside any op)")


class Meter:
    """The counters of one party. ``spans`` collects the trace while it is a list; None turns that off."""

    def __init__(self) -> None:
        self.costs: dict[Place, Cost] = {}
        self.rounds = 0
        self.bytes_sent = 0
        self.bytes_received = 0
        self.dealer_bytes = 0
        self.spans: list[Span] | None = None
        self._module = ""
        self._place = OUTSIDE
        self._cost = self._cost_of(OUTSIDE)
        self._mark = perf_counter_ns()

    def op(self, name: str) -> Scope:
        """A context in which costs count as ``name``; the outermost one is the op, the innermost the primitive."""
        return Scope(self, name, False)

    def module(self, name: str) -> Scope:
        """A context in which costs count under module ``name``, below the module already open."""
        return Scope(self, name, True)

    @property
    def place(self) -> Place:
        """Where costs count now."""
        return self._place

    @contextmanager
    def at(self, place: Place) -> Iterator[None]:
        """A context in which costs count at a place that was met before: work that was put off."""
        self._lap()
        before, module = self._place, self._module
        self._module = place.module
        self._move(place)
        try:
            yield
        finally:
            self._lap()
            self._module = module
            self._move(before)

    def sent(self, nbytes: int) -> None:
        """Count payload sent to another party, in bytes."""
        self.bytes_sent += nbytes
        self._cost.bytes_sent += nbytes

    def received(self, nbytes: int) -> None:
        """Count payload received from another party, in bytes."""
        self.bytes_received += nbytes
        self._cost.bytes_received += nbytes

    def round(self, count: int = 1) -> None:
        """Count rounds: steps of the longest chain of dependent messages."""
        self.rounds += count
        self._cost.rounds += count

    def dealer(self, nbytes: int) -> None:
        """Count bytes received from the dealer."""
        self.dealer_bytes += nbytes
        self._cost.dealer_bytes += nbytes

    def snapshot(self) -> dict[Place, Cost]:
        """All counters so far, to be compared with a later ``since``."""
        self._lap()
        return {place: cost.copy() for place, cost in self.costs.items()}

    def since(self, before: dict[Place, Cost]) -> dict[Place, Cost]:
        """What was counted after ``before`` was taken, without the places where nothing was."""
        after = self.snapshot()
        for place, cost in before.items():
            after[place].add(cost, -1)
        return {
            place: cost
            for place, cost in after.items()
            if cost.calls or cost.rounds or cost.bytes_sent or cost.bytes_received or cost.dealer_bytes
        }

    def _lap(self) -> int:
        now = perf_counter_ns()
        self._cost.nanoseconds += now - self._mark
        self._mark = now
        return now

    def _cost_of(self, place: Place) -> Cost:
        cost = self.costs.get(place)
        if cost is None:
            cost = self.costs[place] = Cost()
        return cost

    def _move(self, place: Place) -> None:
        self._place = place
        self._cost = self._cost_of(place)


class Scope:
    """What ``Meter.op`` and ``Meter.module`` return: a plain class, since a generator context costs five times more."""

    __slots__ = ("_before", "_begin", "_is_module", "_meter", "_module", "_name", "_rounds", "_sent")

    def __init__(self, meter: Meter, name: str, is_module: bool) -> None:
        self._meter = meter
        self._name = name
        self._is_module = is_module

    def __enter__(self) -> None:
        meter, name = self._meter, self._name
        self._before = before = meter._place
        self._module = meter._module
        self._begin = meter._lap()
        self._sent, self._rounds = meter.bytes_sent, meter.rounds
        if self._is_module:
            meter._module = f"{meter._module}.{name}" if meter._module else name
            meter._move(Place(meter._module, OUTSIDE.op, OUTSIDE.primitive))
        else:
            op = name if before.op == OUTSIDE.op else before.op
            meter._move(Place(meter._module, op, name))
            if meter._place != before:  # an op and its primitive of the same name are one call
                meter._cost.calls += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        meter = self._meter
        end = meter._lap()
        if meter.spans is not None:
            sent, rounds = meter.bytes_sent - self._sent, meter.rounds - self._rounds
            kind_name = "module" if self._is_module else "op"
            meter.spans.append(Span(self._name, kind_name, self._begin, end, sent, rounds))
        meter._module = self._module
        meter._move(self._before)
