"""The comparison as one table on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Record
from benchmarks.peers.install import Peer
from benchmarks.peers.turns import OURS
from benchmarks.report import seconds

_FILE_WIDTH = 150


def show(records: list[Record], peers: list[Peer], missing: dict[str, str]) -> None:
    """Print a line for each row, and below what could not be measured and why."""
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    names = [OURS, *(peer.name for peer in peers)]
    table = Table(title="Seconds, rounds, MB sent by all parties (ours: and from the dealer), largest error")
    table.add_column("row")
    for name in names:
        table.add_column(name, justify="right")
    for peer in peers:
        table.add_column(f"{peer.name} / ours", justify="right")
    for record in records:
        ratios = (_ratio(record, peer.name) for peer in peers)
        table.add_row(record["row"], *(_cell(record["systems"][name]) for name in names), *ratios)
    console.print(table)
    for record in records:
        for name, found in record["systems"].items():
            if found["status"] != "measured":
                console.print(f"{record['row']}, {name}: {found['status']}. {found['reason']}", highlight=False)
    for name, reason in missing.items():
        console.print(f"{name} could not be installed: {reason}.", highlight=False)
    console.print("Ours: seconds online. Ratios: seconds online (with our dealer beside, processor time of a party).")


def _cell(found: Record) -> str:
    if found["status"] != "measured":
        return str(found["status"])
    dealer = f" + {found['mb_dealer']:.1f}" if "mb_dealer" in found else ""
    counts = f"{found['rounds']}, {found['mb_online']:.1f}{dealer} MB"
    return f"{seconds(found['online']['seconds'])} s, {counts}, {found['max_error']:.0e}"


def _ratio(record: Record, name: str) -> str:
    found = record["ratios"].get(name)
    return f"{found['online']:.1f} ({found['live']:.1f}, {found['cpu']:.1f})" if found else ""
