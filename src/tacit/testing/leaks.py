"""The leak checker: does what a party sees depend on anything secret? For whoever adds a protocol or a primitive.

A program runs many times on the same inputs, with fresh randomness each time. Everything that a party receives, and
every opened value, must then be uniform on its range, also joined (by sum, difference or xor) with anything else that
it, or all but one party together, received or drew from a generator. A mask that covers two values passes the first
test and fails the second. What the inputs decide does not vary from run to run, and stands out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.runtime.launcher import run
from tacit.runtime.session import current
from tacit.settings import Settings
from tacit.testing.recording import Piece, Recorder, listening
from tacit.testing.statistics import ALARM
from tacit.testing.uniformity import Leak, examine
from tacit.testing.views import aligned, views

Program = Callable[[Protocol], Sequence[Share]]
"""Makes its inputs, of 64 elements each, runs what is tested, and returns the shares that came out."""


@dataclass
class Report:
    """What a check found. tests: how many were done. messages: how many pieces were examined, over all views."""

    leaks: list[Leak]
    tests: int
    messages: int

    @property
    def false_alarm(self) -> float:
        """At most this probability had a flawless protocol to be accused."""
        return self.tests * ALARM


def stage(protocol: Protocol, name: str) -> None:
    """Name what follows in a program. What is opened in the stage ``reveal`` is meant to be known."""
    protocol.channel.transcript.begin(name, "")


def check(
    program: Program,
    parties: int,
    settings: Settings | None = None,
    sessions: int = 2,
    repetitions: int = 24,
    again: Sequence[tuple[str, str]] = (),
) -> Report:
    """Look for leaks in ``program``; raises AssertionError that names what is not uniform. See ``find``."""
    report = find(program, parties, settings, sessions, repetitions, again)
    text = "\n".join(str(leak) for leak in report.leaks[:10])
    assert not report.leaks, f"{len(report.leaks)} leaks, among them:\n{text}"
    return report


def find(
    program: Program,
    parties: int,
    settings: Settings | None = None,
    sessions: int = 2,
    repetitions: int = 24,
    again: Sequence[tuple[str, str]] = (),
) -> Report:
    """Run ``program`` in ``sessions`` times ``repetitions`` repetitions with so many parties, and look for leaks.

    again: pairs of stages (or ops) of which the second one opens the same values under the same masks once more. At 48
    repetitions, whatever makes two bits agree (or differ) more than 62 times in 100 is found.
    """
    names = [f"p{rank}" for rank in range(parties)]
    records: dict[str, list[list[Piece]]] = {name: [] for name in names}
    with listening():
        for _ in range(sessions):
            found = run(_job, names, args=(program, repetitions), settings=settings)
            for name in names:
                records[name] += found[name]
    report = Report([], 0, 0)
    for view in views({name: aligned(record) for name, record in records.items()}, again):
        report.messages += len(view.observed)
        for leaks, tests in examine(view):
            report.leaks += leaks
            report.tests += tests
    return report


def _job(program: Program, repetitions: int) -> list[list[Piece]]:
    session = current()
    recorder = Recorder(session)
    with recorder.attached():
        for _ in range(repetitions):
            stage(session.protocol, "begin")
            recorder.end(program(session.protocol))
    return recorder.repetitions
