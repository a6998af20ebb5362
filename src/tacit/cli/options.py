"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer


class Backend(StrEnum):
    """How the parties of a local run are started."""

    PROCESSES = "processes"
    THREADS = "threads"

    @property
    def literal(self) -> Literal["threads", "processes"]:
        """The same as ``tacit.run`` takes it."""
        return self.value


BackendOption = Annotated[
    Backend, typer.Option(help="Each party in a process of its own, over TCP on this machine, or as a thread.")
]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A TOML file that says who is where.", show_default=False),
]
