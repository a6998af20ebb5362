"""How a local run ended: whose failure the caller is told of."""

from __future__ import annotations

import signal
import traceback
from dataclasses import dataclass
from types import TracebackType

from tacit.caller import is_inside
from tacit.errors import LinkError, PartyFailedError, PeerError
from tacit.party import DEALER


@dataclass
class PartyFailure:
    """How one node ended. culprit: whom its exception blames (itself, for an error of its own)."""

    name: str
    culprit: str
    summary: str
    traceback: str
    error: BaseException | None = None

    @classmethod
    def of(cls, name: str, error: BaseException, skip: int = 0) -> PartyFailure:
        """From an exception, its traceback without Tacit's way to the job and without ``skip`` frames in any case."""
        culprit = error.party if isinstance(error, PeerError | LinkError) else name
        summary = "".join(traceback.format_exception_only(error)).strip()
        tb = error.__traceback__
        for _ in range(skip):
            tb = tb.tb_next if tb is not None and tb.tb_next is not None else tb
        tb = _from_user_code(tb)
        return cls(name, culprit, summary, "".join(traceback.format_exception(type(error), error, tb)), error)


def _from_user_code(tb: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame of the user's on; all of it if there is none."""
    frame = tb
    while frame is not None and is_inside(frame.tb_frame.f_code.co_filename):
        frame = frame.tb_next
    return tb if frame is None else frame


def first_culprit(failures: list[PartyFailure]) -> PartyFailure:
    """The failure that the others are about: follow the blame from the earliest one."""
    by_name = {failure.name: failure for failure in failures}
    failure, seen = failures[0], {failures[0].name}
    while failure.culprit in by_name and failure.culprit not in seen:
        failure = by_name[failure.culprit]
        seen.add(failure.name)
    return failure if failure.culprit not in seen or failure.culprit == failure.name else failures[0]


def party_failed(failures: list[PartyFailure]) -> PartyFailedError:
    """What ``tacit.run`` raises: names the first culprit, shows its own traceback, and how the others ended."""
    root = first_culprit(failures)
    reason = root.summary.splitlines()[0] if root.summary else "it failed"
    names = {failure.name for failure in failures}
    culprit = root.culprit if root.culprit not in names else root.name
    text = f"{_title(culprit)} failed: {reason}\n"
    if root.traceback:
        text += f"\nThe traceback at '{root.name}':\n\n{root.traceback.rstrip()}\n"
    for failure in failures:
        if failure is not root:
            how = "stopped in the same way." if failure.summary == root.summary else f"stopped: {failure.summary}"
            text += f"\nThen {_title(failure.name)} {how}"
    error = PartyFailedError(text.rstrip(), culprit, {failure.name: failure.summary for failure in failures})
    error.__cause__ = root.error
    return error


def _title(name: str) -> str:
    return "the dealer" if name == DEALER else f"party '{name}'"


def ended(name: str, status: int | None) -> PartyFailure:
    """The failure of a process that ended without a word; ``status`` as ``Popen.wait`` returns it."""
    if status is not None and status < 0:
        try:
            how = f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            how = f"was killed by signal {-status}"
    else:
        how = f"ended with exit status {status}"
    return PartyFailure(name, name, f"its process {how} before it could report", "")
