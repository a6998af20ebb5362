"""Runs the demonstration and compares its result with plaintext, which no party can do."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

import tacit
from tacit.demo.job import CLINIC, LAB
from tacit.demo.sentences.job import Outcome, job
from tacit.demo.sentences.model import embedded, with_weights
from tacit.demo.sentences.summary import Neighbours, Summary
from tacit.demo.sentences.texts import SENTENCES, batch
from tacit.errors import InternalError
from tacit.settings import Settings

LENGTH = 16


def run_sentences(
    backend: Literal["threads", "processes"] = "processes",
    settings: Settings | None = None,
    length: int = LENGTH,
    public_table: bool = False,
) -> Summary:
    """The whole demonstration. Raises MisuseError without the model's package, PartyFailedError as ``run``."""
    plain = plain_embeddings(length)
    settings = settings if settings is not None else Settings()
    results: dict[str, Any] = tacit.run(
        job, parties=[LAB, CLINIC], args=(length, public_table), backend=backend, settings=settings
    )
    return compare(results, plain, length, public_table, backend)


def plain_embeddings(length: int) -> Tensor:
    """The embeddings of the clinic's sentences by the lab's model, in the clear: float32[N, H]."""
    words = batch(length)
    with torch.no_grad():
        return embedded(with_weights(), words.mask, words.share, input_ids=words.ids)


def compare(outcomes: dict[str, Outcome], plain: Tensor, length: int, public_table: bool, backend: str) -> Summary:
    """Set the clinic's embeddings against those in plaintext. Only the launcher holds both."""
    private = outcomes[CLINIC].embeddings
    if private is None:
        raise InternalError("the clinic got no embeddings")
    cosines = functional.cosine_similarity(private.double(), plain.double())
    ours, theirs = neighbours(private), neighbours(plain)
    sent = {name: outcome.bytes_sent / 1e6 for name, outcome in outcomes.items()}
    return Summary(
        sentences=len(plain),
        length=length,
        public_table=public_table,
        cosine_worst=float(cosines.min()),
        max_error=float((private - plain).abs().max()),
        same_neighbours=sum(a.nearest == b.nearest for a, b in zip(ours, theirs, strict=True)),
        neighbours=ours,
        neighbours_plain=theirs,
        seconds=outcomes[CLINIC].seconds,
        rounds=max(outcome.rounds for outcome in outcomes.values()),
        mb_sent=sum(sent.values()),
        mb_sent_by_party=sent,
        dealer_mb=sum(outcome.dealer_bytes for outcome in outcomes.values()) / 1e6,
        backend=backend,
        revealed=outcomes[CLINIC].revealed,
    )


def neighbours(embeddings: Tensor) -> tuple[Neighbours, ...]:
    """For each sentence the one that is nearest by cosine: what the clinic makes of its embeddings by itself."""
    rows = functional.normalize(embeddings.double())
    similar = rows @ rows.T
    best, index = similar.fill_diagonal_(-1).max(1)
    return tuple(
        Neighbours(sentence, SENTENCES[int(i)], float(cosine))
        for sentence, i, cosine in zip(SENTENCES, index, best, strict=True)
    )
