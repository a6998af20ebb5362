"""Lines of JSON, each of which names the one before it by a hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any

GENESIS = "0" * 64
"""What the first line has in the place of an earlier line's hash."""


def canonical(content: Any) -> bytes:
    """JSON in one form only: keys in order, no spaces, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def hash_of(content: dict[str, Any]) -> str:
    """SHA-256 of a line without its own hash; the hash of the line before, ``prev``, is in it."""
    return hashlib.sha256(canonical({key: value for key, value in content.items() if key != "hash"})).hexdigest()


def sealed(content: dict[str, Any], previous: str) -> tuple[bytes, str]:
    """A line with the hash of the one before it and its own, ready to be written; and its own hash."""
    line = {**content, "prev": previous}
    digest = hash_of(line)
    return canonical({**line, "hash": digest}) + b"\n", digest


def unsealed(line: bytes) -> dict[str, Any] | None:
    """What stands in a line, without its end; None if it is not as ``sealed`` writes it, to the byte."""
    try:
        content = json.loads(line)
        if isinstance(content, dict) and canonical(content) == line and content.get("hash") == hash_of(content):
            return content
    except (ValueError, RecursionError):
        pass
    return None
