"""The tables of docs/configuration.md, made of the models: ``python -m tacit.config.reference docs/configuration.md``.

A test compares, so that the page cannot go stale.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from tacit.config.environment import variable
from tacit.config.schema import ANY_NAME, Entry, entries

BEGIN = "<!-- Made by `python -m tacit.config.reference docs/configuration.md`; do not edit up to the end mark. -->"
END = "<!-- The end of what is made. -->"


def reference() -> str:
    """A section for each table of the file, with a row for each key."""
    sections = []
    for table, rows in groupby(sorted(entries(), key=_order), _table):
        of = [entry for entry in rows if entry.path != (table,)]
        header = next((entry for entry in entries() if entry.path == (table,)), None)
        title = f"### [{table}]" if header else "### Above all tables"
        told = [f"{header.description}"] if header else []
        lines = ["| key | value | default | meaning | variable |", "|---|---|---|---|---|", *map(_row, of)]
        sections.append("\n\n".join([title, *told, "\n".join(lines)]))
    return "\n\n".join(sections)


def updated(page: str) -> str:
    """``page`` with its tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n\n{END}{after}"


def _table(entry: Entry) -> str:
    return entry.path[0] if len(entry.path) > 1 or entry.kind is dict else ""


def _order(entry: Entry) -> int:
    """Keys that stand above all tables come first; else as the models have it."""
    return 0 if not _table(entry) else 1


def _row(entry: Entry) -> str:
    names = tuple("NAME" if key == ANY_NAME else key for key in entry.path)
    key = ".".join(names[1:] if _table(entry) else names)
    default = "needed" if entry.required else f"`{entry.default}`" if entry.default else ""
    if entry.path[-1] == ANY_NAME:
        default = ""
    value = entry.expects.replace("|", "\\|")
    return f"| `{key}` | {value} | {default} | {entry.description} | `{variable(names)}` |"


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        Path(argument).write_text(updated(Path(argument).read_text()))
