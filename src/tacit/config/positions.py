"""On which line of a TOML text each key, table and element stands.

``tomllib`` gives values without positions, so this walks over the same text once more. It only ever sees what
``tomllib`` took for valid, and checks nothing.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]
"""Keys and indices from the root of the document: ``("certificates", "lab", 1)``."""

_SPACE = " \t"
_BLANK = " \t\r\n"
_BARE_ENDS = ",]}#\r\n"


def positions(text: str) -> dict[Path, int]:
    """The line (from 1) of every path in ``text``, which must be valid TOML: of its key, its header, or the element."""
    scan = _Scan(text.replace("\r\n", "\n"))
    scan.document()
    return scan.lines


class _Scan:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Path, int] = {}
        self._starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
        self._last: dict[Path, int] = {}  # of each array of tables: the index of the table that was opened last

    def document(self) -> None:
        table: Path = ()
        while self.blank():
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> Path:
        line, array = self.line(), self.text.startswith("[[", self.at)
        self.at += 1 + array
        keys = self.keys()
        self.at += 1 + array
        path: Path = ()
        for depth, key in enumerate(keys, 1):
            path = (*path, key)
            self.record(path, line)
            if array and depth == len(keys):
                self._last[path] = self._last.get(path, -1) + 1
            if path in self._last:
                path = (*path, self._last[path])
                self.record(path, line)
        return path

    def pair(self, table: Path) -> None:
        line = self.line()
        path = table
        for key in self.keys():
            path = (*path, key)
            self.record(path, line)
        self.at += 1  # =
        self.space()
        self.value(path)

    def value(self, path: Path) -> None:
        match self.text[self.at]:
            case '"' | "'":
                self.string()
            case "[":
                self.elements(path)
            case "{":
                self.at += 1
                while self.blank() and self.text[self.at] != "}":
                    self.pair(path)
                    self.blank()
                    self.at += self.text[self.at] == ","
                self.at += 1
            case _:
                while self.at < len(self.text) and self.text[self.at] not in _BARE_ENDS:
                    self.at += 1

    def elements(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self.blank() and self.text[self.at] != "]":
            self.record((*path, index), self.line())
            self.value((*path, index))
            index += 1
            self.blank()
            self.at += self.text[self.at] == ","
        self.at += 1

    def keys(self) -> list[str]:
        """A key, dotted or not, and the white space around it."""
        found = []
        while True:
            self.space()
            begin = self.at
            if self.text[begin] in "\"'":
                self.string()
                found.append(tomllib.loads(f"key = {self.text[begin : self.at]}")["key"])
            else:
                while self.text[self.at] not in " \t.=]":
                    self.at += 1
                found.append(self.text[begin : self.at])
            self.space()
            if self.text[self.at] != ".":
                return found
            self.at += 1

    def string(self) -> None:
        quote = self.text[self.at]
        ends = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(ends)
        while not self.text.startswith(ends, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(ends)
        if len(ends) == 3:  # one or two quotes more may stand before the three that end it
            while self.text.startswith(quote, self.at):
                self.at += 1

    def blank(self) -> bool:
        """Skip white space, ends of lines and comments; whether something follows."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in _BLANK:
                self.at += 1
            else:
                return True
        return False

    def space(self) -> None:
        while self.text[self.at] in _SPACE:
            self.at += 1

    def line(self) -> int:
        return bisect_right(self._starts, self.at)

    def record(self, path: Path, line: int) -> None:
        self.lines.setdefault(path, line)
