"""A progress bar on the terminal, and none where nobody looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor


def progress(batches: Sequence[Tensor], title: str, visible: bool) -> Iterator[Tensor]:
    """Goes through ``batches`` and counts their rows on standard error, if ``visible`` and if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("images"), TimeElapsedColumn())
    # No thread of its own that refreshes: it would compete with the protocol for the interpreter.
    with Progress(*columns, console=console, auto_refresh=False, disable=not (visible and console.is_terminal)) as bar:
        task = bar.add_task(title, total=sum(len(batch) for batch in batches))
        bar.refresh()
        for batch in batches:
            yield batch
            bar.update(task, advance=len(batch), refresh=True)
