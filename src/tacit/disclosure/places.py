"""Patterns for lines of a program: ``job.py``, ``job.py:12``, ``job.py:Model.predict``, ``wards/job.py:12``."""

from __future__ import annotations

import re
from functools import cache

from tacit.disclosure.disclosure import Disclosure

_PATTERN = re.compile(r"(?P<file>[^:\r\n]+)(:(?P<line>[1-9][0-9]{0,8})|:(?P<function>(?:[^\W\d]|<)[\w.<>]*))?")


def is_pattern(text: str) -> bool:
    """Whether ``text`` can name a place."""
    return _parsed(text) is not None


def fits(pattern: str, disclosure: Disclosure) -> bool:
    """Whether a reveal stands at the place: file (with as many folders as the pattern has), line, function."""
    found = _parsed(pattern)
    if found is None:
        return False
    file, line, function = found
    if disclosure.file != file and not disclosure.file.endswith(f"/{file}"):
        return False
    return line in (0, disclosure.line) and function in ("", disclosure.function)


@cache
def _parsed(pattern: str) -> tuple[str, int, str] | None:
    found = _PATTERN.fullmatch(pattern)
    return found and (found["file"].removeprefix("./"), int(found["line"] or 0), found["function"] or "")
