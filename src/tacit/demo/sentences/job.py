"""The job that every party of the demonstration runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

import tacit
from tacit.demo.job import CLINIC, LAB
from tacit.demo.sentences.model import embedded, looked_up, with_weights, without_weights
from tacit.demo.sentences.texts import Batch, batch
from tacit.profile import Reveal


@dataclass(frozen=True)
class Outcome:
    """What one party hands to the launcher: what it was told, what it counted, and its ledger."""

    seconds: float
    rounds: int
    bytes_sent: int
    dealer_bytes: int
    revealed: tuple[Reveal, ...]
    embeddings: Tensor | None = field(default=None, repr=False)


def job(length: int, public_table: bool) -> Outcome:
    """The lab's model on the clinic's sentences; the embeddings go to the clinic and nothing to anybody else.

    public_table: the lab has published its table of word embeddings, so the clinic looks its words up by itself.
    """
    me = tacit.party()
    net = with_weights() if me.name == LAB else without_weights()
    mine = batch(length) if me.name == CLINIC else None

    with tacit.profile() as costs, torch.no_grad():
        start = perf_counter()
        words = _words(mine, public_table)
        tacit.secret(net, owner=LAB)
        mask, share = (tacit.secret(getattr(mine, name, None), owner=CLINIC) for name in ("mask", "share"))
        embeddings = tacit.reveal(embedded(net, mask, share, **words), to=CLINIC)
        seconds = perf_counter() - start

    reveals = tuple(tacit.ledger())
    return Outcome(seconds, costs.rounds, costs.bytes_sent, costs.dealer_bytes, reveals, embeddings)


def _words(mine: Batch | None, public_table: bool) -> dict[str, Any]:
    """The clinic's words as a secret: their numbers, or their rows of the published table."""
    if not public_table:
        return {"input_ids": tacit.secret(None if mine is None else mine.ids, owner=CLINIC)}
    rows = None if mine is None else looked_up(mine.ids)
    return {"inputs_embeds": tacit.secret(rows, owner=CLINIC)}
