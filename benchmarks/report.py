"""Records as one table on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Record

_FILE_WIDTH = 150
HEADINGS = (
    *("online s", "spread", "CPU s", "preparing s", "dealing s", "dealer beside s", "rounds", "MB online"),
    *("MB dealer", "peak MB", "max error", "of limit"),
)
NETWORK_HEADINGS = ("links", "forecast s", "measured s", "off by")


def table(records: list[Record]) -> Table:
    """One line a row."""
    out = Table(title="Two parties and a dealer, one thread each, processes on loopback")
    out.add_column("row")
    for heading in HEADINGS:
        out.add_column(heading, justify="right")
    for record in records:
        if record["status"] == "measured":
            out.add_row(record["row"], *cells(record))
        else:
            out.add_row(record["row"], record["status"], style="dim")
    return out


def cells(record: Record) -> tuple[str, ...]:
    """The numbers of a measured row as text, under ``HEADINGS``."""
    online, live = record["online"], record["live"]
    return (
        *(seconds(value) for value in (online["seconds"], online["spread"], online["cpu"])),
        *(seconds(value) for value in (online["preparing"], record["dealing"]["seconds"], live["seconds"])),
        str(record["rounds"]),
        f"{record['mb_online']:.2f}",
        f"{record['mb_dealer']:.2f}",
        f"{online['peak_mb']:.0f}",
        f"{record['max_error']:.0e}",
        f"{record['share_of_limit']:.0%}",
    )


def networks(records: list[Record]) -> Table:
    """One line for each row and network that it was measured over."""
    out = Table(title="Over other links")
    out.add_column("row")
    for heading in NETWORK_HEADINGS:
        out.add_column(heading, justify="right")
    for record in records:
        for line in network_cells(record):
            out.add_row(record["row"], *line)
    return out


def tls(records: list[Record]) -> Table:
    """What protecting the links costs."""
    out = Table(title="Over TLS, seconds")
    for heading in ("row", "link", "plain", "TLS", "ratio"):
        out.add_column(heading, justify="left" if heading in ("row", "link") else "right")
    for record in records:
        for each in record.get("tls", []):
            cells = (seconds(each["plain"]), seconds(each["tls"]), f"{each['ratio']:.2f}")
            out.add_row(record["row"], each["name"], *cells)
    return out


def network_cells(record: Record) -> list[tuple[str, ...]]:
    """Forecast and measured time over each network, as text under ``NETWORK_HEADINGS``."""
    return [
        (each["name"], seconds(each["forecast"]), seconds(each["seconds"]), f"{each['difference']:+.0%}")
        for each in record.get("networks", [])
    ]


def seconds(value: float) -> str:
    """Three digits that count."""
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def show(records: list[Record], limits: dict[str, Any]) -> None:
    """Print the table, what was not measured and why, and the limits that the last column refers to."""
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(table(records))
    if any(record.get("networks") for record in records):
        console.print(networks(records))
    if any(record.get("tls") for record in records):
        console.print(tls(records))
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
