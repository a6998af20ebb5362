"""What was handed to a transport is never changed: a link that is mended sends the same bytes again, and no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import pytest
import torch

import tacit
from tacit.runtime.session import current
from tacit.testing.programs import CASES
from tacit.transport.memory import MemoryTransport

Frame = tuple[str, tuple[memoryview, ...], bytes]


def digest(parts: Sequence[memoryview]) -> bytes:
    state = blake2b()
    for part in parts:
        state.update(part)
    return state.digest()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Frame]:
    """Every payload of every node, the dealer included, and its digest when it was sent."""
    frames: list[Frame] = []
    send = MemoryTransport.send

    def noted(self: MemoryTransport, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        frames.append((f"{self.name} to {peer}: {tag[33:]!r}", tuple(payload), digest(payload)))
        send(self, peer, tag, payload)

    monkeypatch.setattr(MemoryTransport, "send", noted)
    return frames


def unchanged(frames: list[Frame]) -> None:
    assert len(frames) > 4
    assert [name for name, parts, was in frames if digest(parts) != was] == []


def twice(program: Callable[..., object]) -> None:
    """The dealer works ahead from the second time on."""
    for _ in range(2):
        program(current().protocol)


@pytest.mark.parametrize("name", CASES)
def test_no_primitive_changes_what_it_sent(name: str, sent: list[Frame]) -> None:
    case = CASES[name]
    tacit.run(twice, ["p0", "p1"], (case.program,), settings=case.settings)
    unchanged(sent)


def train() -> None:
    """Writes in place whatever an optimizer with momentum does."""
    generator = torch.Generator().manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(72, 4))
    tacit.secret(net, owner="p0")
    x = tacit.secret(torch.randn(4, 1, 8, 8, generator=generator) if tacit.party().rank else None, owner="p1")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25, momentum=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        ((net(x) - 1) ** 2).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        x.mul_(0.5).add_(1)


def test_training_in_place_does_not_either(sent: list[Frame]) -> None:
    tacit.run(train, ["p0", "p1"])
    unchanged(sent)
