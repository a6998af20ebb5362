"""The command line: ``tacit run``, ``tacit dealer``, ``tacit demo``."""

from __future__ import annotations

import sys

from tacit.errors import OperatorStop
from tacit.operation import signals

TYPE_CHECKING = False  # as type checkers take it; typing itself takes long to load
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """The entry point of the ``tacit`` command. Nothing else is loaded before it hears signals."""
    signals.listen()
    try:
        from tacit.cli.app import app

        app()
    except Exception:
        if not signals.asked():
            raise
        _tell(OperatorStop(signals.asked()))
    except OperatorStop as stop:
        _tell(stop)
    finally:
        signals.leave()


def _tell(stop: OperatorStop) -> NoReturn:
    print(f"tacit: {stop}.", file=sys.stderr)
    raise stop from None
