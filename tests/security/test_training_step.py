"""Not only each primitive: a whole training step, through PyTorch, shows nothing that depends on a secret."""

from __future__ import annotations

import pytest
import torch

import tacit
from tacit.protocols import Protocol, Share
from tacit.testing.leaks import check


def step(p: Protocol) -> list[Share]:
    """Forward, backward and one step of SGD on a network of party 0 and images of party 1."""
    generator = torch.Generator().manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    tacit.secret(net, owner="p0")
    images = torch.randn(8, 8, generator=generator)
    x = tacit.secret(images if p.party.rank == 1 else None, owner="p1")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25)
    loss = ((net(x) - torch.ones(8, 8)) ** 2).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    p.settle(*p._pending.values())  # nothing is left for the next repetition to settle
    return []


@pytest.mark.slow  # ten training steps, each message of which is looked at: primitives alone would not show reuse
def test_a_training_step_shows_nothing() -> None:
    # An activation is opened to the owner of the weights in the forward pass and to all in the backward pass.
    report = check(step, 2, repetitions=10, again=[("addmm", "mm"), ("mm", "mm")])
    assert report.messages > 50
