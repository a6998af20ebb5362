"""What the demonstration found out, for a program and for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tacit.profile import Reveal


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
        plain = asdict(self)
        plain["revealed"] = [
            {"times": times, "shape": list(one.shape), "dtype": one.dtype, "to": list(one.to), "line": one.line}
            for one, times in Counter(self.revealed).items()
        ]
        return plain

    def for_people(self) -> RenderableType:
        """Everything as a panel for the terminal."""
        return Panel(
            Group(self._figures(), Text(), Text("What was revealed, and to whom", style="bold"), self._reveals()),
            title="Private inference: the lab's network on the clinic's images",
            title_align="left",
            padding=(1, 2),
            expand=False,
        )

    def _figures(self) -> Table:
        table = Table.grid(padding=(0, 3))
        table.add_column(style="cyan")
        table.add_column(justify="right")
        table.add_column(style="dim")
        each = ", ".join(f"{name} {mb:.2f} MB" for name, mb in self.mb_sent_by_party.items())
        same = "every image" if self.agreement == 1 else f"{round(self.images * (1 - self.agreement))} images differ"
        rows = (
            ("Accuracy, private", f"{self.accuracy_private:.1%}", f"{self.images} images the lab never saw"),
            ("Accuracy, in the clear", f"{self.accuracy_plain:.1%}", "the same network, ordinary PyTorch"),
            ("Same prediction", f"{self.agreement:.1%}", same),
            ("Largest logit error", f"{self.max_logit_error:.1e}", "fixed point against float32"),
            (
                "Time an image",
                f"{1000 * self.seconds_per_image:.2f} ms",
                f"{self.seconds:.2f} s in all, {self.backend}",
            ),
            ("Rounds", str(self.rounds), "waits for a message, one after another"),
            ("Sent by the parties", f"{self.mb_sent:.2f} MB", each),
            ("Sent by the dealer", f"{self.dealer_mb:.2f} MB", "random numbers, no data"),
        )
        for row in rows:
            table.add_row(*row)
        return table

    def _reveals(self) -> RenderableType:
        table = Table.grid(padding=(0, 3))
        for one, times in Counter(self.revealed).items():
            shape = " x ".join(map(str, one.shape)) or "one number"
            to = f"to {', '.join(one.to)}"
            table.add_row(
                Text(f"{one.dtype}, {shape}", style="cyan"), f"{times} times", to, Text(one.line, style="dim")
            )
        rest = Text("Nobody was told anything else, but shapes are public.", style="dim")
        return Group(table, rest) if self.revealed else Text("nothing")
