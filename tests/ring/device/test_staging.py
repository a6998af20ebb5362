"""Copies between a device and the host, as far as they can be tried without one."""

from __future__ import annotations

import gc

import pytest
import torch

from tacit.ring.device import staging
from tacit.ring.prg import Prg
from tacit.settings import GENERATORS
from tacit.testing.placement import DEVICE, Placed, pretended_cuda


@pytest.fixture
def pinning(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """As if there were page-locked memory; the sizes of what was asked for."""
    asked: list[int] = []
    empty = torch.empty

    def make(*args, pin_memory=False, **kwargs):
        made = empty(*args, **kwargs)
        if pin_memory:
            asked.append(made.nbytes)
        return made

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", make)
    monkeypatch.setattr(staging, "PINNED_BYTES", 1000)
    monkeypatch.setattr(staging, "_pinned", staging._Count())
    return asked


def test_page_locked_memory_is_bounded(pinning: list[int]) -> None:
    first = staging.host_buffer((100,), torch.int64, DEVICE)
    assert pinning == [800]
    assert staging.host_buffer((100,), torch.int64, DEVICE).shape == (100,)
    assert pinning == [800]  # the second one is ordinary memory
    data = first.view(torch.uint8).numpy().data
    del first
    gc.collect()
    staging.host_buffer((100,), torch.int64, DEVICE)
    assert pinning == [800]  # a socket may still read from the first one
    del data
    gc.collect()
    staging.host_buffer((100,), torch.int64, DEVICE)
    assert pinning == [800, 800]


def test_nothing_is_page_locked_for_the_cpu(pinning: list[int]) -> None:
    assert staging.host_buffer((3,), torch.int64, staging.CPU).shape == (3,)
    assert pinning == []


def test_what_is_there_is_not_copied() -> None:
    x = torch.arange(6)
    assert staging.to_host(x) is x
    assert staging.to_device(x, staging.CPU) is x
    assert staging.to_host(x.view(2, 3).t()).is_contiguous()


def test_there_and_back() -> None:
    x = torch.arange(6).view(2, 3)
    with pretended_cuda():
        there = staging.to_device(x, DEVICE)
        assert isinstance(there, Placed)
        back = staging.to_host(there.t())
    assert type(back) is torch.Tensor
    assert torch.equal(back, x.t())


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_generator_on_a_device_gives_the_same_words(generator: str) -> None:
    seed = bytes(range(16))
    with pretended_cuda():
        there = Prg(seed, generator, DEVICE).derive("mask")
        words, raw = there.words(5, 1001), there.raw(6, 77)
        assert isinstance(words, Placed)
        found = words.cpu(), raw.cpu()
    here = Prg(seed, generator).derive("mask")
    assert torch.equal(found[0], here.words(5, 1001))
    assert torch.equal(found[1], here.raw(6, 77))
