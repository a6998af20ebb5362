"""Values of a cluster file that the environment overrides: for containers and CI, where the file is the same for all.

``TACIT_SESSION``, ``TACIT_SETTINGS__CONNECT_TIMEOUT``, ``TACIT_PARTIES__WARD_7``: TACIT_, then the keys in capitals
with two underscores between them, and one for whatever is no letter or digit. Only names that the file lists are known:
who takes part, and in which order, is the file's to say.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from tacit.config.explain import nearest
from tacit.config.findings import Finding
from tacit.config.positions import Path
from tacit.config.schema import ANY_NAME, Entry, entries
from tacit.party import DEALER

PREFIX = "TACIT_"
BETWEEN = "__"


def variable(path: tuple[str, ...]) -> str:
    """The name of the variable that overrides the value at ``path``."""
    return PREFIX + BETWEEN.join(re.sub(r"[^A-Z0-9]", "_", key.upper()) for key in path)


def override(content: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[Path, str], list[Finding]]:
    """Put what ``environ`` says into ``content``; from what path which variable, and what is wrong with variables."""
    known: dict[str, list[tuple[tuple[str, ...], Entry]]] = {}
    for entry in entries():
        for path in _paths(entry.path, content):
            known.setdefault(variable(path), []).append((path, entry))
    origins: dict[Path, str] = {}
    findings = []
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        meant = known.get(name, [])
        if len(meant) == 1 and meant[0][1].kind is not dict:
            ((path, entry),) = meant
            if _put(content, path, _value(environ[name], entry)):
                origins[path] = name
        elif meant:
            findings.append(Finding((), _unclear([path for path, _ in meant]), name))
        elif (hint := nearest(name, known, 0.6 if BETWEEN in name else 0.85)) or BETWEEN in name:
            findings.append(Finding((), f"this variable overrides nothing{hint or '.'}", name))
    return origins, findings


def _paths(pattern: tuple[str, ...], content: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The paths that ``pattern`` stands for in this file."""
    if ANY_NAME not in pattern:
        yield pattern
        return
    parties = content.get("parties")
    names = list(parties) if isinstance(parties, dict) else []
    if pattern[0] != "parties":
        names.append(DEALER)
    for name in names:
        yield tuple(name if key == ANY_NAME else key for key in pattern)


def _unclear(paths: list[tuple[str, ...]]) -> str:
    if len(paths) == 1:
        return "a whole table cannot be overridden, only the values in it."
    return f"it is not clear which of {' and '.join(repr(path[-1]) for path in paths)} is meant."


def _value(text: str, entry: Entry) -> Any:
    """As TOML where a number or a switch belongs, or where it looks like a list; else as text."""
    if entry.kind is str and not text.startswith(("[", "{")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except (ValueError, RecursionError):
        return text


def _put(content: dict[str, Any], path: tuple[str, ...], value: Any) -> bool:
    """Whether there was a place for it; a table that is none is told of elsewhere."""
    table: Any = content
    for depth, key in enumerate(path[:-1]):
        if depth and isinstance(table.get(key), str):
            table[key] = {}  # the short form of what the variable says in the long one
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            return False
    table[path[-1]] = value
    return True
