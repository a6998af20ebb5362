"""The trace file that Perfetto and chrome://tracing open (the JSON "Trace Event Format", complete events)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from tacit.profile.meter import Span


def trace_events(spans: Iterable[Span], name: str, rank: int = 0) -> list[dict[str, object]]:
    """The events of one party: names, times in microseconds, bytes and rounds. No value is in them."""
    events: list[dict[str, object]] = [
        {"name": "process_name", "ph": "M", "pid": rank, "tid": 0, "args": {"name": f"party {name}"}}
    ]
    for span in sorted(spans, key=lambda span: (span.begin, -span.end)):
        events.append(
            {
                "name": span.name,
                "cat": span.kind,
                "ph": "X",
                "ts": span.begin / 1000,
                "dur": (span.end - span.begin) / 1000,
                "pid": rank,
                "tid": 0,
                "args": {"bytes_sent": span.bytes_sent, "rounds": span.rounds},
            }
        )
    return events


def save_trace(path: str | PathLike[str], events: list[dict[str, object]]) -> None:
    """Write a trace file."""
    Path(path).write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}), encoding="utf-8")
