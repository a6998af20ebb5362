"""Patterns for lines of a program: ``job.py``, ``job.py:12``, ``job.py:Model.predict``, ``wards/job.py:12``."""

from __future__ import annotations

import re
from pathlib import PurePath

from tacit.disclosure.disclosure import Disclosure

_PATTERN = re.compile(r"(?P<file>[^:\r\n]+)(:(?P<line>[1-9][0-9]{0,8})|:(?P<function>(?:[^\W\d]|<)[\w.<>]*))?")


def is_pattern(text: str) -> bool:
    """Whether ``text`` can name a place."""
    return _PATTERN.fullmatch(text) is not None


def fits(pattern: str, disclosure: Disclosure) -> bool:
    """Whether a reveal stands at the place: file (with as many folders as the pattern has), line, function."""
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        return False
    wanted, parts = PurePath(found["file"]).parts, PurePath(disclosure.file).parts
    if parts[-len(wanted) :] != wanted:
        return False
    if found["line"]:
        return int(found["line"]) == disclosure.line
    return not found["function"] or found["function"] == disclosure.function
