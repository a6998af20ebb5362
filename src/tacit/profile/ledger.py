"""Every reveal of a session: what shape, to whom, from which line of user code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from tacit.disclosure.disclosure import Disclosure
from tacit.disclosure.oversight import Overseer
from tacit.profile.table import PrintableTable


@dataclass(frozen=True)
class Reveal:
    """One disclosure. ``to`` lists the receivers' names; ``line`` is like ``"job.py:12"``. It never holds a value."""

    shape: tuple[int, ...]
    dtype: str
    to: tuple[str, ...]
    line: str
    label: str = ""

    def __str__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "scalar"
        label = f" '{self.label}'" if self.label else ""
        return f"{shape} {self.dtype}{label} to {', '.join(self.to)} at {self.line}"


class Ledger:
    """The list of all reveals so far, in order. Prints as a table.

    overseer: the party's policy and ledger on disk. watch: callables that see each reveal as it comes.
    """

    def __init__(self, overseer: Overseer | None = None) -> None:
        self.entries: list[Reveal] = []
        self.watch: list[Callable[[Reveal], None]] = []
        self._overseer = overseer

    def enter(self, disclosure: Disclosure) -> None:
        """Write down a reveal that is about to take place. Raises PolicyError, LedgerError: then it must not."""
        if self._overseer is not None:
            self._overseer.revealing(disclosure)
        d = disclosure
        self.record(d.shape, d.dtype, d.to, d.position, d.label)

    def record(
        self, shape: Sequence[int], dtype: torch.dtype | str, to: Sequence[str] | str, line: str, label: str = ""
    ) -> None:
        """Write down one reveal. ``to``: the receivers' names, one or several."""
        receivers = (to,) if isinstance(to, str) else tuple(to)
        kind = str(dtype).removeprefix("torch.")
        reveal = Reveal(tuple(int(n) for n in shape), kind, receivers, line, label)
        self.entries.append(reveal)
        for watcher in self.watch:
            watcher(reveal)

    def table(self) -> PrintableTable:
        """The ledger as a ``rich`` table, equal entries counted."""
        table = PrintableTable(title="What was revealed")
        labelled = any(entry.label for entry in self.entries)
        for heading in ("times", "shape", "type", *(["label"] if labelled else []), "to", "line"):
            table.add_column(heading, justify="right" if heading == "times" else "left")
        counted: dict[Reveal, int] = {}
        for entry in self.entries:
            counted[entry] = counted.get(entry, 0) + 1
        for entry, times in counted.items():
            shape = "x".join(map(str, entry.shape)) or "scalar"
            label = [entry.label] if labelled else []
            table.add_row(str(times), shape, entry.dtype, *label, ", ".join(entry.to), entry.line)
        return table

    def __iter__(self) -> Iterator[Reveal]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __str__(self) -> str:
        return str(self.table()) if self.entries else "Nothing was revealed."

    __repr__ = __str__
