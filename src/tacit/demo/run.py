"""Runs the demonstration and compares its result with plaintext, which no party can do."""

from __future__ import annotations

from typing import Any, Literal

import torch

import tacit
from tacit.demo.digits import held_out_digits
from tacit.demo.job import CLINIC, LAB, Outcome, job
from tacit.demo.net import Net
from tacit.demo.summary import Summary
from tacit.errors import InternalError
from tacit.settings import Settings

BATCH = 60


def run_demo(
    backend: Literal["threads", "processes"] = "processes", settings: Settings | None = None, batch_size: int = BATCH
) -> Summary:
    """The whole demonstration, a few seconds. Raises MisuseError without scikit-learn, PartyFailedError as ``run``."""
    images, labels = held_out_digits()
    settings = settings if settings is not None else Settings()
    results: dict[str, Any] = tacit.run(
        job, parties=[LAB, CLINIC], args=(batch_size,), backend=backend, settings=settings
    )
    return compare(results, images, labels, backend)


def compare(outcomes: dict[str, Outcome], images: torch.Tensor, labels: torch.Tensor, backend: str) -> Summary:
    """Set the clinic's logits against those of the lab's weights in plaintext. Only the launcher holds both."""
    private, weights = outcomes[CLINIC].logits, outcomes[LAB].weights
    if private is None or weights is None:
        raise InternalError("the clinic got no logits or the lab had no weights")
    net = Net().eval()
    net.load_state_dict(weights)
    with torch.no_grad():
        plain = net(images)
    sent = {name: outcome.bytes_sent / 1e6 for name, outcome in outcomes.items()}
    seconds = outcomes[CLINIC].seconds
    return Summary(
        images=len(images),
        accuracy_private=_share(private.argmax(1) == labels),
        accuracy_plain=_share(plain.argmax(1) == labels),
        agreement=_share(private.argmax(1) == plain.argmax(1)),
        max_logit_error=float((private - plain).abs().max()),
        seconds=seconds,
        seconds_per_image=seconds / len(images),
        rounds=max(outcome.rounds for outcome in outcomes.values()),
        mb_sent=sum(sent.values()),
        mb_sent_by_party=sent,
        dealer_mb=sum(outcome.dealer_bytes for outcome in outcomes.values()) / 1e6,
        backend=backend,
        revealed=outcomes[CLINIC].revealed,
    )


def _share(hits: torch.Tensor) -> float:
    return float(hits.to(torch.float64).mean())
