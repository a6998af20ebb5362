"""What is wrong in a configuration: all of it, each with the place where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tacit.config.positions import Path
from tacit.errors import MisuseError


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong at ``path``, and what would be right. where: file and line, or the variable."""

    path: Path
    text: str
    where: str = ""

    def __str__(self) -> str:
        """For an operator."""
        key = dotted(self.path)
        return ": ".join(part for part in (self.where, key, self.text) if part)


class ConfigError(MisuseError):
    """A configuration that cannot be used. ``findings`` has everything that is wrong in it."""

    def __init__(self, findings: Sequence[Finding], source: str) -> None:
        lines = [str(finding) for finding in findings]
        super().__init__(
            "\n  ".join([f"{len(lines)} things are wrong in {source}:", *lines]) if lines[1:] else lines[0]
        )
        self.findings = tuple(findings)
        self.source = source

    def __reduce__(self) -> tuple[type, tuple[Sequence[Finding], str]]:
        return type(self), (self.findings, self.source)


class Places:
    """Where each value of a configuration came from: a line of its file, or a variable of the environment."""

    def __init__(self, source: str, lines: Mapping[Path, int], variables: Mapping[Path, str]) -> None:
        self._source, self._lines, self._variables = source, lines, variables

    def placed(self, finding: Finding, content: Any) -> Finding:
        """The finding with its place, and its path no longer than it is in ``content``, where short forms may stand."""
        path = finding.path
        for length, key in enumerate(path):
            if not isinstance(content, dict | list):
                path = path[:length]
                break
            if isinstance(content, list) and isinstance(key, int):
                content = content[key]
            else:
                content = content.get(key, {}) if isinstance(content, dict) else {}
        return Finding(path, finding.text, self.of(path))

    def of(self, path: Path) -> str:
        """The place of ``path``, or of the table that it is missing from."""
        for length in range(len(path), 0, -1):
            prefix = path[:length]
            if prefix in self._variables:
                return self._variables[prefix]
            if prefix in self._lines:
                return f"{self._source}:{self._lines[prefix]}"
        return self._source


def dotted(path: Path) -> str:
    """``certificates.lab[1]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.replace("-", "").replace("_", "").isalnum() and part.isascii()
            text += ("." if text else "") + (part if plain else _quoted(part))
    return text


def _quoted(part: str) -> str:
    return ascii(part if len(part) <= 64 else part[:64] + "...")
