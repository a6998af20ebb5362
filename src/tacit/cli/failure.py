"""How a failure looks on the command line: a message, never Tacit's own traceback, and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from tacit.errors import (
    DivergenceError,
    HandshakeError,
    LinkError,
    MisuseError,
    OperatorStop,
    PartyFailedError,
    PeerError,
    TacitError,
)
from tacit.operation import signals

WRONG_COMMAND = 2
"""The command, a file or a setting is wrong: nothing was run."""

RUN_FAILED = 1
"""A party failed."""

INTERRUPTED = 130

_ENDED = "what it had started was ended"
_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (MisuseError, "misuse"),
    (PartyFailedError, "party"),
    (DivergenceError, "divergence"),
    (HandshakeError, "handshake"),
    (LinkError, "link"),
    (PeerError, "peer"),
    (OperatorStop, "stopped"),
    (KeyboardInterrupt, "stopped"),
    (TacitError, "internal"),
)


@contextmanager
def explained(command: str, as_json: bool = False) -> Iterator[None]:
    """Turn Tacit's errors into a message on standard error: misuse exits with 2, a run that failed with 1.

    A signal exits with 128 and its number. The traceback of a job's own error is part of its message. as_json: standard
    output gets an object that says the same.
    """
    try:
        yield
    except BaseException as error:
        signum = error.signum if isinstance(error, OperatorStop) else signals.asked()
        if signum:  # whatever was raised: foreign code may have swallowed the stop, and the others heard of it already
            stop = OperatorStop(signum)
            _stop(command, stop, f"{stop}; {_ENDED}.", 128 + signum, as_json)
        elif isinstance(error, MisuseError):
            _stop(command, error, str(error), WRONG_COMMAND, as_json)
        elif isinstance(error, TacitError):
            _stop(command, error, str(error), RUN_FAILED, as_json)
        elif isinstance(error, KeyboardInterrupt):
            _stop(command, error, f"interrupted; {_ENDED}.", INTERRUPTED, as_json)
        raise


@contextmanager
def doctor_hint(config: Path, name: str) -> Iterator[None]:
    """To an error of nodes that did not come together, add the command that finds out why."""
    try:
        yield
    except (LinkError, PeerError) as error:
        if not isinstance(error, HandshakeError) and "did not join" not in str(error):
            raise
        hint = f"`tacit doctor --config {config} --as {name}`, at every host at about the same time, finds out why."
        raise type(error)(f"{error} {hint}", error.party) from None


def described(error: BaseException, message: str, code: int) -> dict[str, Any]:
    """A failure as a program reads it: its kind, the party whose fault it is if it is a party's, the message."""
    kind = next(name for types, name in _KINDS if isinstance(error, types))
    party = getattr(error, "party", None)
    return {"error": {"kind": kind, "party": party, "message": message, "exit_status": code}}


def _stop(command: str, error: BaseException, message: str, code: int, as_json: bool) -> None:
    if as_json:
        print(json.dumps(described(error, message, code), indent=2))
    print(f"tacit {command}: {message}", file=sys.stderr)
    raise typer.Exit(code) from None
