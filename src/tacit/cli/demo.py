"""``tacit demo``."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from tacit.cli.failure import explained
from tacit.cli.options import Backend, BackendOption


def demo_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the summary.")] = False,
    backend: BackendOption = Backend.PROCESSES,
    batch_size: Annotated[int, typer.Option(min=1, help="How many images go through the network at a time.")] = 60,
) -> None:
    """A lab's network reads a clinic's handwritten digits; neither sees what the other has.

    The lab trains a small convolutional network in the clear. The clinic holds 360 images that the lab never saw. A
    dealer supplies random numbers and sees no data. Each is a process of its own. At the end the result is compared
    with the same network in plaintext.
    """
    with explained("demo"):
        from tacit.demo.run import run_demo

        notes = Console(stderr=True)
        if notes.is_terminal:
            notes.print(f"Starting lab, clinic and dealer as {backend}; the lab then trains its network in the clear.")
        summary = run_demo(backend.literal, batch_size=batch_size)
    if as_json:
        print(json.dumps(summary.as_json()))
    else:
        Console().print(summary.for_people())
