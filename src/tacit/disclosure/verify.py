"""Reads a ledger from disk and finds the first line that was changed, left out, moved or added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tacit.disclosure.chain import GENESIS, unsealed
from tacit.disclosure.ledger_file import FORMAT
from tacit.disclosure.lines import Footer, Header, Line, RefusedLine, RevealLine, parse
from tacit.errors import MisuseError


@dataclass
class WrittenLedger:
    """A ledger as it lies on the disk. lines: those that can be read, by number; findings: what is wrong with it."""

    path: Path
    lines: dict[int, Line] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    @property
    def header(self) -> Header | None:
        """The first line, if it can be read."""
        first = self.lines.get(1)
        return first if isinstance(first, Header) else None

    @property
    def entries(self) -> list[RevealLine]:
        """What was revealed, and what was refused (``RefusedLine``), in order."""
        return [line for line in self.lines.values() if isinstance(line, RevealLine)]

    @property
    def footer(self) -> Footer | None:
        """The last line, if it is an end."""
        last = self.lines[max(self.lines)] if self.lines else None
        return last if isinstance(last, Footer) else None

    @property
    def head(self) -> str:
        """The hash of the last line before the end: what the others were told with the goodbye."""
        body = [line.hash for line in self.lines.values() if not isinstance(line, Footer)]
        return body[-1] if body else ""


def read_ledger(path: Path) -> WrittenLedger:
    """The ledger in a file, looked through. Raises MisuseError if the file cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MisuseError(f"cannot read the ledger {path}: {error.strerror}.") from None
    ledger = WrittenLedger(path)
    *whole, rest = data.split(b"\n")
    contents = [unsealed(line) for line in whole]
    for number, content in enumerate(contents, 1):
        try:
            if content is not None:
                ledger.lines[number] = parse.validate_python(content)
        except ValidationError:
            pass
    first = next(_faults(contents, ledger.lines), "")
    if first:
        ledger.findings.append(first)
    if rest:
        ledger.findings.append(
            f"line {len(whole) + 1}, the last one, is torn: the process was killed as it wrote, or the end was cut off"
        )
    elif not first and ledger.footer is None:
        ledger.findings.append(
            "it has no end: the process was killed, it still runs, or the last lines were left out"
            if whole
            else "it is empty"
        )
    return ledger


def _faults(contents: list[dict[str, Any] | None], lines: dict[int, Line]) -> Iterator[str]:
    """What is wrong with the lines, from the first one on."""
    written: dict[str, int] = {}  # from a line's hash to where it first stands
    for number, content in enumerate(contents, 1):
        if content is not None:
            written.setdefault(content["hash"], number)
    previous, reveals, ended = GENESIS, 0, False
    for number, content in enumerate(contents, 1):
        if content is None:
            yield f"line {number} was changed: it is not what its hash was made of"
            return
        line = lines.get(number)
        if line is None:
            yield f"line {number} is none of a ledger: its hash is right, and its fields are not"
            return
        if line.prev != previous:
            yield _out_of_order(number, line, written)
            return
        reveals += type(line) is RevealLine
        wrong = (
            "it comes after the end, where it was added"
            if ended
            else _unfit(line, number, reveals)  # a whole chain written anew, and badly
        )
        if wrong:
            yield f"line {number}: {wrong}"
            return
        previous, ended = line.hash, isinstance(line, Footer)


def _out_of_order(number: int, line: Line, written: dict[str, int]) -> str:
    if written[line.hash] < number:
        return f"line {number} was added: it repeats line {written[line.hash]}"
    after = 0 if line.prev == GENESIS else written.get(line.prev)
    if after is None and number == 1:
        return "line 1 is not the first one: what stood before it was left out"
    if after is None:
        return f"a line between lines {number - 1} and {number} was left out, or line {number - 1} was written anew"
    if after > number:
        return f"line {number} was moved: it was written after what is line {after} now"
    between = f"line {number - 1} was" if after + 2 == number else f"lines {after + 1} to {number - 1} were"
    return f"{between} added or moved here: line {number} was written right after line {after}"


def _unfit(line: Line, number: int, reveals: int) -> str:
    match line:
        case Header():
            if number != 1:
                return "another header"
            if line.format != FORMAT:
                return f"this is format {line.format}, and this version reads {FORMAT}"
            return ""
        case _ if number == 1:
            return "the header was left out"
        case RefusedLine():
            due = reveals + 1
            return "" if line.n == due else f"it is numbered {line.n}, and {due} is due"
        case RevealLine():
            return "" if line.n == reveals else f"it is numbered {line.n}, and {reveals} is due"
        case Footer():
            return "" if line.reveals == reveals else f"it counts {line.reveals} reveals, and there are {reveals}"
