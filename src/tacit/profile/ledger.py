"""Every reveal of a session: what shape, to whom, from which line of user code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from tacit.profile.table import PrintableTable


@dataclass(frozen=True)
class Reveal:
    """One disclosure. ``to`` lists the receivers' names; ``line`` is like ``"job.py:12"``. It never holds a value."""

    shape: tuple[int, ...]
    dtype: str
    to: tuple[str, ...]
    line: str

    def __str__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "scalar"
        return f"{shape} {self.dtype} to {', '.join(self.to)} at {self.line}"


class Ledger:
    """The list of all reveals so far, in order. Prints as a table. watch: callables that see each one as it comes."""

    def __init__(self) -> None:
        self.entries: list[Reveal] = []
        self.watch: list[Callable[[Reveal], None]] = []

    def record(self, shape: Sequence[int], dtype: torch.dtype | str, to: Sequence[str] | str, line: str) -> None:
        """Write down one reveal. ``to``: the receivers' names, one or several."""
        receivers = (to,) if isinstance(to, str) else tuple(to)
        reveal = Reveal(tuple(int(n) for n in shape), str(dtype).removeprefix("torch."), receivers, line)
        self.entries.append(reveal)
        for watcher in self.watch:
            watcher(reveal)

    def table(self) -> PrintableTable:
        """The ledger as a ``rich`` table, equal entries counted."""
        table = PrintableTable(title="What was revealed")
        for heading in ("times", "shape", "type", "to", "line"):
            table.add_column(heading, justify="right" if heading == "times" else "left")
        counted: dict[Reveal, int] = {}
        for entry in self.entries:
            counted[entry] = counted.get(entry, 0) + 1
        for entry, times in counted.items():
            shape = "x".join(map(str, entry.shape)) or "scalar"
            table.add_row(str(times), shape, entry.dtype, ", ".join(entry.to), entry.line)
        return table

    def __iter__(self) -> Iterator[Reveal]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __str__(self) -> str:
        return str(self.table()) if self.entries else "Nothing was revealed."

    __repr__ = __str__
