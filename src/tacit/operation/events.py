"""What a node tells its log: events by name, with fields that hold no secret."""

from __future__ import annotations

import logging
from enum import StrEnum
from functools import cache
from hashlib import scrypt
from typing import Any

FIELDS = "tacit_fields"
"""The attribute of a log record under which an event's fields are."""


class Event(StrEnum):
    """Every event. docs/operating.md says when each is told, and with which fields."""

    STARTED = "started"
    LISTENING = "listening"
    SERVING = "serving"
    CONNECTED = "peer connected"
    BEGUN = "session begun"
    WAITING = "waiting"
    REVEALED = "revealed"
    LOST = "peer lost"
    ENDED = "ended"
    NOTE = "note"


_log = logging.getLogger("tacit.node")


def tell(level: int, event: Event, node: str, session: str, **fields: Any) -> None:
    """Log ``event`` of ``node``. ``session`` is the session's text, of which only a digest is told."""
    if _log.isEnabledFor(level):
        whole = {"node": node, "session": session_digest(session), "event": str(event), **fields}
        words = "".join(f" {key}={value}" for key, value in fields.items())
        _log.log(level, "%s: %s%s", node, event, words, extra={FIELDS: whole})


@cache
def session_digest(session: str) -> str:
    """What logs and metrics call a session: the same at all its nodes, and slow to make.

    Who knows the text may call in, and people choose texts that can be guessed; each guess costs 16 MB and 50 ms.
    """
    return scrypt(session.encode(), salt=b"tacit session", n=1 << 14, r=8, p=1, dklen=6).hex()
