"""What the demonstration found out, for a program and for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tacit.profile import Reveal

Row = tuple[str, str, str]
"""A figure's name, the figure, and what it means."""


@dataclass(frozen=True)
class Summary:
    """accuracy and agreement: fractions. MB: 10**6 bytes of payload. dealer_mb: from the dealer to all parties."""

    images: int
    accuracy_private: float
    accuracy_plain: float
    agreement: float
    max_logit_error: float
    seconds: float
    seconds_per_image: float
    rounds: int
    mb_sent: float
    mb_sent_by_party: dict[str, float]
    dealer_mb: float
    backend: str
    revealed: tuple[Reveal, ...]

    def as_json(self) -> dict[str, object]:
        """Everything as plain values."""
        return {**asdict(self), "revealed": reveals_as_json(self.revealed)}

    def for_people(self) -> RenderableType:
        """Everything as a panel for the terminal."""
        title = Text("What was revealed, and to whom", style="bold")
        return Panel(
            Group(figures(self._rows()), Text(), title, reveals(self.revealed)),
            title="Private inference: the lab's network on the clinic's images",
            title_align="left",
            padding=(1, 2),
            expand=False,
        )

    def _rows(self) -> tuple[Row, ...]:
        same = "every image" if self.agreement == 1 else f"{round(self.images * (1 - self.agreement))} images differ"
        each = f"{1000 * self.seconds_per_image:.2f} ms"
        return (
            ("Accuracy, private", f"{self.accuracy_private:.1%}", f"{self.images} images the lab never saw"),
            ("Accuracy, in the clear", f"{self.accuracy_plain:.1%}", "the same network, ordinary PyTorch"),
            ("Same prediction", f"{self.agreement:.1%}", same),
            ("Largest logit error", f"{self.max_logit_error:.1e}", "fixed point against float32"),
            ("Time an image", each, f"{self.seconds:.2f} s in all, {self.backend}"),
            *cost_rows(self.rounds, self.mb_sent, self.mb_sent_by_party, self.dealer_mb),
        )


def cost_rows(rounds: int, mb_sent: float, by_party: Mapping[str, float], dealer_mb: float) -> tuple[Row, ...]:
    """What a run cost."""
    each = ", ".join(f"{name} {mb:.2f} MB" for name, mb in by_party.items())
    return (
        ("Rounds", str(rounds), "waits for a message, one after another"),
        ("Sent by the parties", f"{mb_sent:.2f} MB", each),
        ("Sent by the dealer", f"{dealer_mb:.2f} MB", "random numbers, no data"),
    )


def figures(rows: Iterable[Row]) -> Table:
    """Figures as a table."""
    table = Table.grid(padding=(0, 3))
    table.add_column(style="cyan")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for row in rows:
        table.add_row(*row)
    return table


def reveals(revealed: Sequence[Reveal]) -> RenderableType:
    """A ledger as a table, equal entries together."""
    table = Table.grid(padding=(0, 3))
    for one, times in Counter(revealed).items():
        shape = " x ".join(map(str, one.shape)) or "one number"
        to = f"to {', '.join(one.to)}"
        table.add_row(Text(f"{one.dtype}, {shape}", style="cyan"), f"{times} times", to, Text(one.line, style="dim"))
    rest = Text("Nobody was told anything else, but shapes are public.", style="dim")
    return Group(table, rest) if revealed else Text("nothing")


def reveals_as_json(revealed: Sequence[Reveal]) -> list[dict[str, object]]:
    """A ledger as plain values, equal entries together."""
    return [
        {"times": times, "shape": list(one.shape), "dtype": one.dtype, "to": list(one.to), "line": one.line}
        for one, times in Counter(revealed).items()
    ]
