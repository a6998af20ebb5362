"""The job that every party of the demonstration runs: ordinary PyTorch between ``secret`` and ``reveal``."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

import torch
from torch import Tensor

import tacit
from tacit.demo.digits import held_out_digits, training_digits
from tacit.demo.net import Net, train
from tacit.demo.progress import progress
from tacit.profile import Reveal

LAB, CLINIC = "lab", "clinic"


@dataclass(frozen=True)
class Outcome:
    """What one party hands to the launcher: what it had or was told anyway, what it counted, and its ledger."""

    seconds: float
    rounds: int
    bytes_sent: int
    dealer_bytes: int
    revealed: tuple[Reveal, ...]
    logits: Tensor | None = field(default=None, repr=False)
    weights: dict[str, Tensor] | None = field(default=None, repr=False)


def job(batch_size: int) -> Outcome:
    """The lab's network on the clinic's images, in batches; the logits go to the clinic and nothing to anybody else."""
    me = tacit.party()
    net = train(*training_digits()) if me.name == LAB else Net().eval()
    weights = {name: tensor.clone() for name, tensor in net.state_dict().items()} if me.name == LAB else None
    images = held_out_digits()[0] if me.name == CLINIC else None
    logits: list[Tensor] = []

    with tacit.profile() as costs, torch.no_grad():
        tacit.secret(net, owner=LAB)
        x = tacit.secret(images, owner=CLINIC)
        start = perf_counter()
        for batch in progress(torch.split(x, batch_size), "Private inference", visible=me.name == CLINIC):
            y = tacit.reveal(net(batch), to=CLINIC)
            if y is not None:
                logits.append(y)
        seconds = perf_counter() - start

    known = torch.cat(logits) if logits else None
    reveals = tuple(tacit.ledger())
    return Outcome(seconds, costs.rounds, costs.bytes_sent, costs.dealer_bytes, reveals, known, weights)
