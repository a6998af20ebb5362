"""How a failure looks on the command line: a message, never Tacit's own traceback, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from tacit.errors import HandshakeError, LinkError, MisuseError, PeerError, TacitError

WRONG_COMMAND = 2
"""The command, a file or a setting is wrong: nothing was run."""

RUN_FAILED = 1
"""A party failed."""

INTERRUPTED = 130


@contextmanager
def explained(command: str) -> Iterator[None]:
    """Turn Tacit's errors into a message on standard error: misuse exits with 2, a run that failed with 1.

    The traceback of a job's own error is part of its message.
    """
    try:
        yield
    except MisuseError as error:
        _stop(command, str(error), WRONG_COMMAND)
    except TacitError as error:
        _stop(command, str(error), RUN_FAILED)
    except KeyboardInterrupt:
        _stop(command, "interrupted; all parties were ended.", INTERRUPTED)


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


def _stop(command: str, message: str, code: int) -> None:
    print(f"tacit {command}: {message}", file=sys.stderr)
    raise typer.Exit(code)
