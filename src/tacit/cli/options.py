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

JobArgument = Annotated[
    Path, typer.Argument(metavar="JOB.py", help="A Python file that defines job().", show_default=False)
]

AssignmentsOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, such as frac_bits=20.")
]

ThreadsOption = Annotated[
    int, typer.Option(min=1, max=1024, help="Threads that each party here computes with; no result depends on it.")
]

DeviceOption = Annotated[
    str, typer.Option(metavar="DEVICE", help="Where this machine computes: cpu, cuda or cuda:1. Others may differ.")
]

CertsOption = Annotated[Path, typer.Option("--certs", metavar="FOLDER", help="Where the files of `tacit certs` lie.")]

ListenOption = Annotated[
    str,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        help="Where to listen, if not at the own address: behind a forwarded port, in a container.",
        show_default=False,
    ),
]

KeysOption = Annotated[Path, typer.Option(metavar="FOLDER", help="Where the files of `tacit keys` lie.")]


class LogFormat(StrEnum):
    """How a line of the log looks."""

    TEXT = "text"
    JSON = "json"

    @property
    def literal(self) -> Literal["text", "json"]:
        """The same as the log takes it."""
        return self.value


class LogLevel(StrEnum):
    """From which level on the log tells something."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", help="The log, on standard error: for people, or a JSON object a line.")
]

LogLevelOption = Annotated[LogLevel, typer.Option("--log-level", help="From which level on to log.")]

MetricsOption = Annotated[
    str,
    typer.Option(
        "--metrics",
        metavar="[HOST:]PORT",
        help="Offer metrics for Prometheus there, and /healthz and /readyz; on this host only, unless HOST says more.",
        show_default=False,
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for a program.")]

PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="[NAME=]FILE",
        help="What a party lets be revealed to whom (docs/policy.md). With --parties: whose it is, once for each.",
        show_default=False,
    ),
]

LedgerOption = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="FOLDER",
        help="Where to write the ledger of reveals, a new file each time. With --config, unless said: ledgers",
        show_default=False,
    ),
]
