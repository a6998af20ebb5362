"""Large values in blocks: the same results from requests that stay small, and nothing more to be seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import tacit
from tacit.correlations._base import correction_bytes
from tacit.functions import exponential, periodic, reciprocal
from tacit.protocols import Protocol, Share
from tacit.protocols.additive import blocks
from tacit.runtime.session import current
from tacit.testing import leaks, programs, protocols

N = 3000


def limited(monkeypatch: pytest.MonkeyPatch, nbytes: int) -> None:
    monkeypatch.setattr(blocks, "LIMIT", nbytes)


MORE = [pytest.param(parties, marks=pytest.mark.slow) for parties in (3, 4)]
"""Slow, as in test_conformance.py: what two parties never do, done block by block."""


@pytest.mark.parametrize("parties", [2, *MORE])
def test_every_primitive_means_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch, parties: int) -> None:
    limited(monkeypatch, 1 << 12)
    assert len(protocols.check(tacit.Settings(), parties)) > 100


SEEN = ["compare with three", "relu of a product", "exponential", "waves", "select_sums", "gelu"]


@pytest.mark.slow  # many blocks, many repetitions: whether masks of blocks are new shows in what is seen, nowhere else
@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("parties", [2, 3])
def test_what_is_seen_in_blocks_is_uniform(monkeypatch: pytest.MonkeyPatch, name: str, parties: int) -> None:
    limited(monkeypatch, 1)
    monkeypatch.setattr(blocks, "LEAST", 16)
    case = programs.CASES[name]
    assert leaks.check(case.program, parties, case.settings, repetitions=16, again=case.again).messages


FUNCTIONS: dict[str, tuple[Callable[[Protocol, Share], Share], Callable[[Tensor], Tensor], int]] = {
    "relu": (lambda p, x: p.relu(x), torch.relu, 1),
    "exp": (exponential.exp, torch.exp, 4),
    "gelu": (periodic.gelu, torch.nn.functional.gelu, 4),
    "reciprocal": (reciprocal.reciprocal, torch.reciprocal, 4),
}


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_requests_for_large_values_stay_small(monkeypatch: pytest.MonkeyPatch, name: str, transposed: bool) -> None:
    limit, (function, meaning, units) = 1 << 16, FUNCTIONS[name]
    limited(monkeypatch, limit)
    value = (torch.arange(N).view(60, 50) - N / 2 + 0.5) / 256

    def job() -> tuple[list[int], Tensor | None]:
        p, asked = current().protocol, []
        fetch = p._context.source.fetch
        monkeypatch.setattr(p._context.source, "fetch", lambda r: (asked.append(correction_bytes(r)), fetch(r))[1])
        ring = (value * 2**16).to(torch.int64)
        share = p.share(ring if p.party.rank == 0 else None, 0, ring.shape, 16)
        share.storage.known_by = share.storage.clear = None
        share = share.view(torch.t) if transposed else share
        return asked, p.reveal(function(p, share), None)

    for asked, found in tacit.run(job, parties=["a", "b"]).values():
        assert max(asked) <= 2 * limit
        expected = meaning(value.t() if transposed else value)
        allowed = units / 2**16 + 5e-5 * expected.abs()
        assert ((found / 2**16 - expected).abs() <= allowed).all()
