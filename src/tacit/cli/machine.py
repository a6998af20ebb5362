"""Standard output for a program: one JSON object and nothing else, whatever a job prints."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any


@contextmanager
def kept_clean(wanted: bool) -> Iterator[None]:
    """Meanwhile what is printed here, or by processes started from here, goes to standard error if ``wanted``."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()  # what was printed past the redirection, by who had the stream before
        os.dup2(kept, 1)
        os.close(kept)


def print_json(value: Any) -> None:
    """Print it as JSON that every program can read: no NaN."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """What a job returned, as JSON can hold it: tensors and arrays as lists, other things as text.

    Numbers that JSON has not are the texts "nan", "inf" and "-inf".
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
    listed = getattr(value, "tolist", None)
    if callable(listed):
        try:
            return plain(listed())
        except Exception:  # a secret has no values here
            return str(value)
    return str(value)
