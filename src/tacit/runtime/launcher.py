"""``tacit.run``: all parties of a session on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from tacit.errors import MisuseError
from tacit.party import DEALER
from tacit.runtime.threads import run_threads
from tacit.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")


def run(
    fn: Callable[..., Any],
    parties: Sequence[str],
    args: Sequence[Any] = (),
    backend: Literal["threads", "processes"] = "threads",
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Run ``fn(*args)`` as every party, here; returns what it returned at each party, by name.

    parties: two or more names. backend: ``"threads"`` (quick; parties take turns) or ``"processes"`` (each party, and
    the dealer, in its own process, over TCP on loopback). Raises PartyFailedError, naming the first party that failed
    and showing its own traceback.
    """
    names = check_names(parties)
    settings = settings if settings is not None else Settings()
    if not callable(fn):
        raise MisuseError(f"tacit.run(fn, ...) needs a function, got {type(fn).__name__}.")
    if backend == "threads":
        return run_threads(fn, names, tuple(args), settings)
    if backend == "processes":
        from tacit.runtime.processes import run_processes

        return run_processes(fn, names, tuple(args), settings)
    raise MisuseError(f"tacit.run(backend={backend!r}) is not known. Choose one of 'threads', 'processes'.")


def check_names(parties: Sequence[str]) -> tuple[str, ...]:
    """The names of a session's parties, checked. Raises MisuseError."""
    if isinstance(parties, str):
        raise MisuseError(f'parties must be a list of names such as ["lab", "clinic"], got the text {parties!r}.')
    names = tuple(parties)
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise MisuseError(f"{name!r} cannot name a party: use 1 to 63 letters, digits, '_', '-' and '.'.")
    if DEALER in names:
        raise MisuseError(f"'{DEALER}' is the dealer's name; a party needs another one.")
    if len(set(names)) != len(names):
        raise MisuseError(f"parties {', '.join(names)} have a name twice.")
    if len(names) < 2:
        raise MisuseError("a session needs at least two parties.")
    return names
