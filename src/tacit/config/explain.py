"""What pydantic found, in words that say what would be right. Never the session's name: strangers must not know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from tacit.config.findings import Finding
from tacit.config.models import MISUSE
from tacit.config.positions import Path
from tacit.config.schema import ANY_NAME, entries, entry_at, keys_of

_LONG = 400
_KEY = "[key]"  # how pydantic says that the key itself is meant


def explained(error: ValidationError) -> Iterator[Finding]:
    """A finding for each error."""
    for one in error.errors(include_url=False):
        path: Path = tuple(part for part in one["loc"] if part != _KEY)
        yield Finding(path, _text(one["type"], path, one.get("input"), one.get("ctx", {}), one["msg"]))


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """``; did you mean frac_bits?``, or nothing."""
    close = get_close_matches(word, list(known), 1, likeness)
    return f"; did you mean {close[0]}?" if close else ""


def _text(kind: str, path: Path, value: Any, context: dict[str, Any], message: str) -> str:
    if kind == MISUSE:
        text = str(context["text"])
        return text if len(text) <= _LONG else f"{text[:_LONG]}..."
    if kind == "extra_forbidden":
        known = keys_of(path[:-1])
        hint = nearest(str(path[-1]), known) or _elsewhere(str(path[-1]))
        return f"means nothing here{hint or '.'} The keys here are {', '.join(known)}."
    entry = entry_at(path)
    if entry is None:
        return f"{message}."
    if kind == "missing":
        if entry.kind is dict:
            return f"is missing: add a table [{path[-1]}]{_inside(entry.path)}."
        return f"is missing: add a line such as {path[-1]} = {entry.example}."
    example = f", for example {path[-1]} = {entry.example}" if entry.kind is not dict else _inside(entry.path)
    return f"must be {entry.expects}{example}; it is {_what(value)}."


def _elsewhere(word: str) -> str:
    """A key that stands in the wrong table."""
    homes = [entry.path[:-1] for entry in entries() if entry.path[-1] == word and ANY_NAME not in entry.path]
    if not homes:
        return ""
    return f"; it belongs under [{'.'.join(homes[0])}]." if homes[0] else "; it belongs above all tables."


def _inside(path: tuple[str, ...]) -> str:
    lines = [entry for entry in entries() if entry.path[:-1] == path]
    if not lines:
        return ""
    name = "lab" if lines[0].path[-1] == ANY_NAME else lines[0].path[-1]
    return f" with lines such as {name} = {lines[0].example}"


def _what(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {str(value)[:40]}"
        case str():
            return f"the text {value!r}" if len(value) <= 80 else "a long text"
        case dict():
            return "a table"
        case list():
            return "a list"
        case None:
            return "nothing"
    return f"a {type(value).__name__}"
