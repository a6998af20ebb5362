"""What the demonstration found out, for a program and for a person."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tacit.demo.summary import cost_rows, figures, reveals, reveals_as_json
from tacit.profile import Reveal


@dataclass(frozen=True)
class Neighbours:
    """A sentence, the one nearest to it, and the cosine of their embeddings."""

    sentence: str
    nearest: str
    cosine: float


@dataclass(frozen=True)
class Summary:
    """length: word pieces that every sentence is padded to. MB: 10**6 bytes of payload, the dealer's to all parties."""

    sentences: int
    length: int
    public_table: bool
    cosine_worst: float
    max_error: float
    same_neighbours: int
    neighbours: tuple[Neighbours, ...]
    neighbours_plain: tuple[Neighbours, ...]
    seconds: float
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
        words = "the table of words is published" if self.public_table else "which words they are is secret"
        rows = (
            ("Sentences", str(self.sentences), f"padded to {self.length} word pieces; {words}"),
            ("Cosine to plaintext", f"{self.cosine_worst:.6f}", "of the worst sentence"),
            ("Largest error", f"{self.max_error:.1e}", "of an embedding's entry, fixed point against float32"),
            ("Same neighbour", f"{self.same_neighbours} of {self.sentences}", "beside the plaintext embeddings"),
            ("Time", f"{self.seconds:.1f} s", f"all sentences at once, {self.backend}"),
            *cost_rows(self.rounds, self.mb_sent, self.mb_sent_by_party, self.dealer_mb),
        )
        return Panel(
            Group(
                figures(rows),
                *_titled("Nearest by the private embeddings (and by the plaintext ones)", self._neighbours()),
                *_titled("What was revealed, and to whom", reveals(self.revealed)),
            ),
            title="Private embeddings: the lab's MiniLM on the clinic's sentences",
            title_align="left",
            padding=(1, 2),
            expand=False,
        )

    def _neighbours(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for ours, theirs in zip(self.neighbours, self.neighbours_plain, strict=True):
            same = "same" if ours.nearest == theirs.nearest else theirs.nearest
            close = f"{ours.cosine:.4f} ({theirs.cosine:.4f}, {same})"
            table.add_row(Text(ours.sentence, style="cyan"), ours.nearest, Text(close, style="dim"))
        return table


def _titled(title: str, content: RenderableType) -> tuple[RenderableType, ...]:
    return Text(), Text(title, style="bold"), content
