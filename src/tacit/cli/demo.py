"""``tacit demo``: the demonstrations."""

from __future__ import annotations

import json
from typing import Annotated, Protocol

import typer
from rich.console import Console, RenderableType

from tacit.cli.failure import explained
from tacit.cli.options import Backend, BackendOption, JsonOption

BatchOption = Annotated[int, typer.Option(min=1, help="How many images go through the network at a time.")]
LengthOption = Annotated[int, typer.Option(min=3, max=512, help="Word pieces that every sentence is padded to.")]
TableOption = Annotated[
    bool, typer.Option("--public-table", help="The lab publishes its table of word embeddings: cheaper.")
]

demo_app = typer.Typer(invoke_without_command=True)


class _Summary(Protocol):
    def as_json(self) -> dict[str, object]: ...

    def for_people(self) -> RenderableType: ...


@demo_app.callback()
def demo(
    context: typer.Context,
    as_json: JsonOption = False,
    backend: BackendOption = Backend.PROCESSES,
    batch_size: BatchOption = 60,
) -> None:
    """Demonstrations. Without a name: `digits`."""
    if context.invoked_subcommand is None:
        digits_command(as_json, backend, batch_size)


@demo_app.command("digits")
def digits_command(
    as_json: JsonOption = False, backend: BackendOption = Backend.PROCESSES, batch_size: BatchOption = 60
) -> None:
    """A lab's network reads a clinic's handwritten digits; neither sees what the other has.

    The lab trains a small convolutional network in the clear. The clinic holds 360 images that the lab never saw. A
    dealer supplies random numbers and sees no data. Each is a process of its own. At the end the result is compared
    with the same network in plaintext.
    """
    with explained("demo", as_json):
        from tacit.demo.run import run_demo

        _note(f"Starting lab, clinic and dealer as {backend}; the lab then trains its network in the clear.")
        summary = run_demo(backend.literal, batch_size=batch_size)
    _show(summary, as_json)


@demo_app.command("sentences")
def sentences_command(
    as_json: JsonOption = False,
    backend: BackendOption = Backend.PROCESSES,
    length: LengthOption = 16,
    public_table: TableOption = False,
) -> None:
    """A lab's language model embeds a clinic's sentences; neither sees what the other has.

    The model is MiniLM with its real weights, the unmodified BERT of Hugging Face. The clinic pads its sentences to a
    public length; which words they are and how long each is stays secret. It alone learns the embeddings. At the end
    they are compared with those of the same model in plaintext.
    """
    with explained("demo", as_json):
        from tacit.demo.sentences.run import run_sentences

        _note(f"Starting lab, clinic and dealer as {backend}; the lab loads MiniLM.")
        summary = run_sentences(backend.literal, length=length, public_table=public_table)
    _show(summary, as_json)


def _note(text: str) -> None:
    notes = Console(stderr=True)
    if notes.is_terminal:
        notes.print(text)


def _show(summary: _Summary, as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary.as_json()))
    else:
        Console().print(summary.for_people())
