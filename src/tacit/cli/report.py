"""What ``tacit run`` prints at the end."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tacit.cli.outcome import Outcome
from tacit.profile.ledger import Ledger
from tacit.profile.table import size


def print_report(console: Console, outcomes: Mapping[str, Outcome], title: str, costs: bool) -> None:
    """One row for each party, then what was revealed; with ``costs`` also where the traffic arose."""
    table = Table(title=title, title_justify="left")
    for heading in ("party", "returned", "rounds", "sent", "from dealer"):
        table.add_column(heading, justify="left" if heading in ("party", "returned") else "right")
    for name, outcome in outcomes.items():
        amounts = (str(outcome.rounds), size(outcome.bytes_sent), size(outcome.dealer_bytes))
        table.add_row(Text(name), Text(outcome.returned), *amounts)
    console.print(table)
    for name, outcome in outcomes.items():
        if outcome.shown:
            console.print(
                Text(f"{name} returned\n", style="bold").append(outcome.shown, style="not bold"), soft_wrap=True
            )
    first = next(iter(outcomes.values()))
    _print_ledger(console, first)
    if costs:
        for outcome in outcomes.values():
            console.print(Text(outcome.costs), soft_wrap=True)


def _print_ledger(console: Console, outcome: Outcome) -> None:
    if not outcome.revealed:
        console.print("Nothing was revealed.")
        return
    ledger = Ledger()
    ledger.entries.extend(outcome.revealed)
    console.print(ledger.table())
