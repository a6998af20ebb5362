"""Records as one table on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Record

_FILE_WIDTH = 150
_HEADINGS = (
    "seconds",
    "spread",
    "first",
    "CPU s",
    "rounds",
    "MB online",
    "MB dealer",
    "peak MB",
    "max error",
    "of limit",
)


def table(records: list[Record], network: str | None) -> Table:
    """One line a row; what could not be measured says why below the table."""
    out = Table(title="Two parties and a dealer, one thread each, processes on loopback")
    out.add_column("row")
    for heading in (*_HEADINGS, *((f"forecast {network}", f"measured {network}", "off by") if network else ())):
        out.add_column(heading, justify="right")
    for record in records:
        if record["status"] == "measured":
            out.add_row(record["row"], *cells(record), *(_network_cells(record) if network else ()))
        else:
            out.add_row(record["row"], record["status"], style="dim")
    return out


def cells(record: Record) -> tuple[str, ...]:
    """The numbers of a measured row as text."""
    return (
        seconds(record["seconds"]),
        seconds(record["spread"]),
        seconds(record["first"]["seconds"]),
        seconds(record["cpu"]),
        str(record["rounds"]),
        f"{record['mb_online']:.2f}",
        f"{record['mb_dealer']:.2f}",
        f"{record['peak_mb']:.0f}",
        f"{record['max_error']:.1e}",
        f"{record['share_of_limit']:.0%}",
    )


def _network_cells(record: Record) -> tuple[str, ...]:
    found = record.get("network")
    if found is None:
        return ()
    return seconds(found["forecast"]), seconds(found["seconds"]), f"{found['difference']:+.0%}"


def seconds(value: float) -> str:
    """Three digits that count."""
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def show(records: list[Record], network: str | None, limits: dict[str, Any]) -> None:
    """Print the table, what was not measured and why, and the limits that the last column refers to."""
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(table(records, network))
    for record in records:
        if record["status"] != "measured":
            console.print(f"{record['row']}: {record['status']}. {record['reason']}", style="dim", highlight=False)
    console.print(limits_line(limits), highlight=False)


def limits_line(limits: dict[str, Any]) -> str:
    """What the last column refers to."""
    return (
        f"Limits here: {limits['gemm'] / 1e9:.1f} GMAC/s in the ring on one core ({limits['kernels']}), "
        f"{limits['rate'] / 1e9:.2f} GB/s each way and {limits['latency'] * 1e6:.0f} us one way between two processes."
    )
