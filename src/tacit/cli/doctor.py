"""``tacit doctor``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tacit.cli.failure import RUN_FAILED, explained
from tacit.cli.options import CertsOption, ListenOption
from tacit.runtime.defaults import CERTS

if TYPE_CHECKING:
    from rich.text import Text

    from tacit.doctor.findings import Diagnosis, Finding


def doctor_command(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="The TOML file that says who is where.", show_default=False)
    ],
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The party to be on this host, or 'dealer'.", show_default=False)
    ],
    wait: Annotated[float, typer.Option(min=0, max=86400, help="Seconds to wait for the other hosts.")] = 60.0,
    certs: CertsOption = Path(CERTS),
    listen: ListenOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a program.")] = False,
) -> None:
    """Find out whether the hosts of a cluster can hold a session. Run it at every host at about the same time.

    Looks at this host's certificate, port and versions; meets the others over the links that a session would use, and
    measures them. Says what to mend, and ends with status 1 if there is anything.
    """
    with explained("doctor"):
        from tacit.cli.clusterfile import address, read_cluster
        from tacit.doctor.examination import examine

        cluster = read_cluster(config)
        if not as_json:
            typer.echo(f"Waiting for the other hosts, {wait:g} s at most; start tacit doctor there too.", err=True)
        found = examine(cluster, name, certs, address("--listen", listen) if listen else None, wait)
        if as_json:
            typer.echo(json.dumps(found.as_dict(), indent=2))
        else:
            _print(found)
        if not found.ok:
            raise typer.Exit(RUN_FAILED)


def _print(found: Diagnosis) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "note": "yellow", "mend": "bold red"}
    table = Table(title=f"tacit doctor, as {found.name}", title_justify="left")
    for heading in ("", "check", "node", "found, and what to do"):
        table.add_column(heading, overflow="fold")
    for one in found.findings:
        table.add_row(Text(one.level, styles[one.level]), one.check, Text(one.node), _told(one))
    console = Console()
    console.print(table)
    if found.missing:
        console.print(Text(f"Not there: {', '.join(found.missing)}."))
    count = sum(one.level == "mend" for one in found.findings)
    verdict = f"{count} {'thing' if count == 1 else 'things'} to mend." if count else "A session can run."
    console.print(Text(verdict, styles["mend" if count else "ok"]))


def _told(one: Finding) -> Text:
    from rich.text import Text

    text = Text(one.text)
    return text.append(f"\n{one.advice}", "italic") if one.advice else text
