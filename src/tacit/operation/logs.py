"""The log of the command line: a line for each record on standard error, for people or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tacit.operation.events import FIELDS, Event, session_digest


@dataclass(frozen=True)
class LogSettings:
    """How to write the log, and from which level on. A process that another one starts takes over its settings."""

    format: Literal["json", "text"] = "text"
    level: str = "warning"


_current: LogSettings | None = None


def current() -> LogSettings | None:
    """The settings of this process; None where nobody asked for a log."""
    return _current


@contextmanager
def written(settings: LogSettings | None, node: str = "", session: str = "") -> Iterator[None]:
    """Meanwhile Tacit's log goes to standard error. node, session: of the records that name none themselves."""
    global _current
    if settings is None:
        yield
        return
    logger, before = logging.getLogger("tacit"), _current
    level, propagate = logger.level, logger.propagate
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings, node, session))
    logger.addHandler(handler)
    logger.setLevel(settings.level.upper())
    logger.propagate, _current = False, settings
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate, _current = propagate, before


def _formatter(settings: LogSettings, node: str, session: str) -> logging.Formatter:
    made = _Json() if settings.format == "json" else _Text()
    made.node, made.session = node, session
    return made


class _Fields(logging.Formatter):
    node = session = ""

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"time": time, "level": record.levelname.lower()}
        found: dict[str, Any] | None = getattr(record, FIELDS, None)
        if found is not None:
            return head | found
        session = session_digest(self.session) if self.session else ""
        note = {"node": self.node, "session": session, "event": str(Event.NOTE), "message": record.getMessage()}
        return head | note | {"logger": record.name}


class _Json(_Fields):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record), ensure_ascii=False)


class _Text(_Fields):
    def format(self, record: logging.LogRecord) -> str:
        fields = self.fields(record)
        time, level, node, _, event = (fields.pop(key) for key in ("time", "level", "node", "session", "event"))
        fields.pop("logger", None)
        if event == Event.NOTE:
            event = fields.pop("message")
        rest = "".join(f" {key}={_word(value)}" for key, value in fields.items() if value not in (None, ""))
        return f"{time} {level} {node or 'tacit'}: {event}{rest}".replace("\n", " ")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text else text
