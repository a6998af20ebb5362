"""Costs as a table."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Literal

from rich.console import Console
from rich.table import Table

from tacit.profile.meter import Cost, Place

By = Literal["op", "module", "primitive"]


class PrintableTable(Table):
    """A ``rich`` table that plain ``print`` shows as well."""

    def __str__(self) -> str:
        out = io.StringIO()
        Console(file=out, width=120, color_system=None).print(self)
        return out.getvalue().rstrip()


def cost_table(costs: Mapping[Place, Cost], by: By = "op", title: str = "") -> PrintableTable:
    """One row for each op, module or primitive, the one with most traffic first, and their sum."""
    rows: dict[str, Cost] = {}
    total = Cost()
    for place, cost in costs.items():
        row = rows.setdefault(getattr(place, by) or "(no module)", Cost())
        for sum_ in (row, total):
            sum_.add(cost)
            if by != "primitive" and place.primitive != place.op:
                sum_.calls -= cost.calls  # a primitive inside an op is no call of its own
    table = PrintableTable(title=title or f"Cost by {by}", show_footer=True)
    table.add_column(by, footer="all")
    cells = _cells(total)
    for heading, footer in zip(("calls", "rounds", "sent", "received", "from dealer", "seconds"), cells, strict=True):
        table.add_column(heading, footer=footer, justify="right")
    for name, cost in sorted(rows.items(), key=lambda row: (-row[1].bytes_sent, -row[1].nanoseconds)):
        table.add_row(name, *_cells(cost))
    return table


def size(nbytes: int) -> str:
    """A number of bytes in powers of ten: "1.5 MB"."""
    if nbytes < 1000:
        return f"{nbytes} B"
    amount = float(nbytes)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def _cells(cost: Cost) -> tuple[str, ...]:
    sizes = (size(cost.bytes_sent), size(cost.bytes_received), size(cost.dealer_bytes))
    return (str(cost.calls), str(cost.rounds), *sizes, f"{cost.nanoseconds / 1e9:.3f}")
