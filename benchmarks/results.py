"""Results in a file: rows measured later replace those of the same name and leave the others."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

import tacit


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "tacit": tacit.__version__,
    }


def load(path: Path) -> dict[str, Any]:
    """What a file holds: ``machine``, ``limits`` and ``rows`` by name; empty if there is no file."""
    if not path.exists():
        return {"rows": {}}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def save(path: Path, records: list[dict[str, Any]], **facts: Any) -> None:
    """Put these records, and facts about the run, into a file."""
    found = load(path)
    found |= facts
    found["rows"] |= {record["row"]: record for record in records}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(found, indent=1) + "\n")
    partial.replace(path)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
