"""A plan: the requests that a program makes, written down ahead of time. Public things only, one JSON text a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tacit.correlations import wire
from tacit.correlations._base import correction_bytes
from tacit.correlations.masks import MaskView
from tacit.correlations.requests import Request
from tacit.errors import MisuseError, ProtocolAbort
from tacit.ring.bilinear import Bilinear
from tacit.settings import Settings

FORMAT = 1
_OPEN = ("randomness", "debug", "connect_timeout", "heartbeat_timeout", "reconnect_timeout")
"""Settings that a run may choose without another plan; there is none for debug sessions."""


def planned_settings(settings: Settings) -> dict[str, object]:
    """The settings on which a program's requests, and what is dealt for them, depend."""
    return {name: value for name, value in settings.as_dict().items() if name not in _OPEN}


@dataclass(frozen=True)
class Plan:
    """What ``parties`` ask for, in this order, when they run a program once with ``settings``."""

    parties: tuple[str, ...]
    settings: Mapping[str, object]
    requests: tuple[Request, ...] = field(repr=False)

    @cached_property
    def correction_bytes(self) -> int:
        """What a source sends (or writes) for one run, in bytes."""
        return sum(correction_bytes(request) for request in self.requests)

    @cached_property
    def data(self) -> bytes:
        """The plan as text: a header, then a line for each request."""
        header = {
            "tacit plan": FORMAT,
            "parties": list(self.parties),
            "settings": dict(self.settings),
            "requests": len(self.requests),
            "correction bytes": self.correction_bytes,
        }
        return b"\n".join([json.dumps(header).encode(), *map(wire.encode, self.requests)]) + b"\n"

    @cached_property
    def digest(self) -> str:
        """A hash that names the plan."""
        return blake2b(self.data, digest_size=16, person=b"tacit plan").hexdigest()

    def save(self, path: str | Path) -> None:
        """Write the plan to a file."""
        Path(path).write_bytes(self.data)

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read what ``save`` wrote. Raises ``MisuseError`` for anything else, naming the line."""
        try:
            lines = Path(path).read_bytes().splitlines()
        except OSError as error:
            raise MisuseError(
                f"cannot read the plan {path}: {error.strerror}. `tacit plan job.py` makes one."
            ) from None
        parties, settings, count = _header(path, lines)
        requests: list[Request] = []
        for number, line in enumerate(lines[1:], 2):
            try:
                requests.append(wire.decode(line))
            except ProtocolAbort as error:
                raise MisuseError(f"{path}:{number}: {error}.") from None
        if len(requests) != count:
            raise MisuseError(f"{path} has {len(requests)} of {count} requests: it was cut off. Copy or make it again.")
        return cls(parties, settings, tuple(requests))


def _header(path: str | Path, lines: list[bytes]) -> tuple[tuple[str, ...], dict[str, object], int]:
    try:
        header = json.loads(lines[0])
        version, parties, settings, count = (header[k] for k in ("tacit plan", "parties", "settings", "requests"))
        if version != FORMAT:
            raise MisuseError(f"{path} is a plan of format {version}; this version reads {FORMAT}. Make it again.")
        if not (isinstance(settings, dict) and len(parties) > 1 and all(isinstance(name, str) for name in parties)):
            raise TypeError
        return tuple(parties), settings, count
    except (ValueError, KeyError, IndexError, TypeError):
        raise MisuseError(f"{path} is not a plan: `tacit plan job.py` makes one.") from None


def describe(request: Request) -> str:
    """A request for people: ``truncation(mask=17 [60x10], width=64, shift=16)``."""
    parts = [f"{f.name}={_text(getattr(request, f.name))}" for f in fields(request) if f.name != "id"]
    return f"{request.kind}({', '.join(parts)})"


def _text(value: Any) -> str:
    match value:
        case MaskView():
            return f"{value.id} [{'x'.join(map(str, value.size))}]"
        case Bilinear():
            parameters = ", ".join(f"{name}={value}" for name, value in value.params)
            return f"{value.name}({parameters})" if parameters else value.name
        case tuple() if any(isinstance(item, MaskView) for item in value):
            return f"({', '.join(map(_text, value))})"
    return str(value)
