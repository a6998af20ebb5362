"""``tacit status``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tacit.cli.failure import explained
from tacit.cli.machine import print_json
from tacit.cli.options import JsonOption
from tacit.errors import MisuseError

if TYPE_CHECKING:
    from rich.console import Console


def status_command(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Only of this node; of all unless said.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show the nodes of this user that run on this host (tacit run --config, tacit dealer).

    Who is connected, what went over each link, for whom a node waits, where its program is. It disturbs no session and
    shows no value.
    """
    from tacit.operation.status import ask

    with explained("status", as_json):
        found = ask(name)
        if name and not found:
            raise MisuseError(f"no node called '{name}' of yours runs on this host.")
        if as_json:
            print_json(found)
            return
        from rich.console import Console

        console = Console()
        if not found:
            console.print("No node of yours runs on this host.")
        for status in found:
            _show(console, status)


def _show(console: Console, status: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    if status["state"] == "silent":
        why = "is stopped" if status["process"] == "stopped" else "runs code that does not let it answer"
        console.print(Text(f"{status['node']}, process {status['pid']}: no answer; it {why}."))
        return
    console.print(Text(", ".join(_headline(status))))
    table = Table()
    for heading in ("peer", "at", "connected", "heard", "sent", "received", "waited"):
        table.add_column(heading, justify="left" if heading in ("peer", "at") else "right", overflow="fold")
    for peer in status["peers"]:
        table.add_row(*map(Text, _row(peer)))
    console.print(table)


def _headline(status: dict[str, Any]) -> list[str]:
    job = f" runs {status['job']}" if status["job"] else ""
    words = [f"{status['node']}{job}: {status['state']}", f"process {status['pid']}", f"started {status['started']}"]
    if status["rounds"] is not None:
        words.append(f"{status['rounds']} rounds")
    if status["last_op"] is not None:
        words.append(f"at op {status['ops']}, {status['last_op']['name']} at {status['last_op']['line']}")
    for receiver, count in status["reveals"].items():
        words.append(f"{count} reveals to {receiver}")
    if status["dealer"] is not None:
        dealer = status["dealer"]
        words.append(f"{dealer['requests']} requests answered, {dealer['predicted']} of them from stock")
        words.append(f"{dealer['stock']} in stock ({_size(dealer['stock_bytes'])})")
    if status["waiting"] is not None:
        wait = status["waiting"]
        words.append(f"waits for {' and '.join(wait['for'])} since {wait['since']} ({wait['seconds']:.1f} s)")
    return words


def _row(peer: dict[str, Any]) -> tuple[str, ...]:
    heard = peer["heard_seconds_ago"]
    address = f"{peer['address']}{' (TLS)' if peer['tls'] else ''}" if peer["address"] else "-"
    return (
        peer["name"],
        address,
        _long_since(peer["since"]) if peer["connected"] else "no",
        f"{heard:.1f} s ago" if heard is not None else "-",
        _size(peer["bytes_sent"]),
        _size(peer["bytes_received"]),
        f"{peer['waited_seconds']:.1f} s",
    )


def _long_since(begin: str) -> str:
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(begin)).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e6:.2f} MB"
