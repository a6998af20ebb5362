"""What an examination found, in words for the operator of this host."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is. Only MEND makes an examination fail."""

    OK = "ok"
    NOTE = "note"
    MEND = "mend"


@dataclass(frozen=True)
class Finding:
    """check: what was looked at. node: whom it concerns. advice: what to do, empty if nothing."""

    level: Level
    check: str
    node: str
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Link:
    """What was measured with one peer. Seconds, bytes per second; clock: by how much the peer's is ahead of ours."""

    peer: str
    latency: float
    sending: float
    receiving: float
    clock: float


@dataclass(frozen=True)
class Diagnosis:
    """Everything that an examination at node ``name`` found."""

    name: str
    findings: tuple[Finding, ...]
    links: tuple[Link, ...]
    missing: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing must be mended."""
        return all(finding.level is not Level.MEND for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "as": self.name,
            "ok": self.ok,
            "missing": list(self.missing),
            "findings": [asdict(finding) for finding in self.findings],
            "links": [asdict(link) for link in self.links],
        }


def ok(check: str, node: str, text: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, check, node, text)


def note(check: str, node: str, text: str, advice: str = "") -> Finding:
    """Something to know."""
    return Finding(Level.NOTE, check, node, text, advice)


def mend(check: str, node: str, text: str, advice: str) -> Finding:
    """Something that would keep a session from working."""
    return Finding(Level.MEND, check, node, text, advice)
