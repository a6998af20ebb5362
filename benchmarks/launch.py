"""Both parties of a row as processes, over plain loopback or over TLS."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tacit
from benchmarks.rows import CLINIC, LAB
from tacit.correlations.directory import Material
from tacit.party import DEALER
from tacit.runtime.processes import run_processes
from tacit.transport.certificates import make


def launch(
    job: Callable[..., Any],
    args: tuple[Any, ...],
    settings: tacit.Settings,
    material: Path | None = None,
    keys: Path | None = None,
    tls: bool = False,
) -> dict[str, Any]:
    """What ``job(*args)`` returned at each party. tls: with certificates made for this run."""
    supply = Material(material, keys) if material is not None and keys is not None else None
    if not tls:
        return run_processes(job, (LAB, CLINIC), args, settings, supply)
    with tempfile.TemporaryDirectory() as folder:
        for name in (LAB, CLINIC, DEALER):
            make(name, Path(folder))
        return run_processes(job, (LAB, CLINIC), args, settings, supply, certs=Path(folder))
