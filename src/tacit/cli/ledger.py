"""``tacit ledger``: what was revealed, from the files that parties wrote as it happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tacit.cli.failure import explained

if TYPE_CHECKING:
    from tacit.disclosure.verify import WrittenLedger

FOUND = 1
"""A ledger is not as it was written, or ledgers differ."""

ledger_app = typer.Typer(
    help="Show the ledger of reveals that a party wrote, check it, and compare it with the others'.",
    no_args_is_help=True,
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A party's ledger.", show_default=False)]
OthersArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="OTHERS...", help="The other parties' ledgers of the same session.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for a program.")]


@ledger_app.command("verify")
def verify_command(ledger: FileArgument, others: OthersArgument = None, as_json: JsonOption = False) -> None:
    """Find out whether a line was changed, left out, moved or added, and whether all parties wrote the same.

    A party can write its own ledger anew, and only the others' tell. Exits with 1 if anything is found.
    """
    with explained("ledger verify"):
        from tacit.disclosure.compare import compare
        from tacit.disclosure.verify import read_ledger

        ledgers = [read_ledger(path) for path in (ledger, *(others or []))]
        between = compare(ledgers)
    found = bool(between) or any(each.findings for each in ledgers)
    if as_json:
        files = [_summary(each) | {"findings": each.findings} for each in ledgers]
        print(json.dumps({"ok": not found, "files": files, "between": between}))
    else:
        for each in ledgers:
            for finding in each.findings:
                print(f"{each.path}: {finding}.")
            if not each.findings:
                print(f"{each.path}: {_told(each)}; every line is as it was written.")
        for finding in between:
            print(f"{finding[0].upper()}{finding[1:]}.")
        if len(ledgers) > 1 and not between:
            print(f"All {len(ledgers)} tell of the same reveals.")
    if found:
        raise typer.Exit(FOUND)


@ledger_app.command("show")
def show_command(ledger: FileArgument, as_json: JsonOption = False) -> None:
    """Print a ledger: what was revealed to whom, when, and from which line. Exits with 1 if it is not as written."""
    with explained("ledger show"):
        from tacit.disclosure.verify import read_ledger

        read = read_ledger(ledger)
    if as_json:
        entries = [entry.model_dump(exclude={"prev", "hash"}) for entry in read.entries]
        print(json.dumps(_summary(read) | {"findings": read.findings, "entries": entries}))
    else:
        _print(read)
    if read.findings:
        raise typer.Exit(FOUND)


def _summary(ledger: WrittenLedger) -> dict[str, Any]:
    header, footer = ledger.header, ledger.footer
    known = header.model_dump(include={"session", "party", "parties", "version", "policy", "time"}) if header else {}
    return {"file": str(ledger.path), **known, "ended": footer.ended if footer else None}


def _told(ledger: WrittenLedger) -> str:
    """In a few words whose ledger of what it is."""
    if ledger.header is None:
        return "nobody knows whose ledger"
    from tacit.disclosure.lines import RefusedLine

    refused = sum(isinstance(entry, RefusedLine) for entry in ledger.entries)
    made = len(ledger.entries) - refused
    count = f"{made} {'reveal' if made == 1 else 'reveals'}" + (f", {refused} refused" if refused else "")
    how = {"clean": "ended well", "failed": "failed"}[ledger.footer.ended] if ledger.footer else "has no end"
    day, session = ledger.header.time[:10], ledger.header.session[:8]
    return f"'{ledger.header.party}', session {session} of {day}, which {how}: {count}"


def _print(ledger: WrittenLedger) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tacit.disclosure.lines import RefusedLine

    table = Table(title=Text(_told(ledger)), title_justify="left")
    for heading in ("n", "time", "shape", "type", "label", "to", "line", ""):
        table.add_column(heading, justify="right" if heading == "n" else "left")
    for entry in ledger.entries:
        shape = "x".join(map(str, entry.shape)) or "scalar"
        refused = f"refused: {entry.rule}" if isinstance(entry, RefusedLine) else ""
        words = entry.time[11:19], shape, entry.dtype, entry.label, ", ".join(entry.to), entry.line, refused
        table.add_row(str(entry.n), *map(Text, words))
    console = Console()
    console.print(table)
    for finding in ledger.findings:
        console.print(Text(f"{ledger.path}: {finding}."), soft_wrap=True)
