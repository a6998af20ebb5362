from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
import torch

from tacit.ring import kernels
from tacit.ring.prg import Prg

EXTREMES = (0, 1, -1, 2**31, -(2**31), 2**32, 2**32 - 1, 2**62, -(2**62), 2**63 - 1, -(2**63), -(2**63) + 1)

Words = Callable[..., torch.Tensor]


@pytest.fixture
def words() -> Words:
    """Tensors of full-range words with the extremes among them; the same in every run."""
    prg, stream = Prg(b"tests of tacit's"), itertools.count()

    def make(*shape: int) -> torch.Tensor:
        draw = prg.words(next(stream), torch.Size(shape).numel())
        where = prg.words(next(stream), draw.numel()) & 15
        for index, extreme in enumerate(EXTREMES):
            draw[where == index + 4] = extreme
        # about a quarter of the words stays uniform
        return draw.view(shape)

    return make


NAMES = list(kernels.available())
TARGETS = [pytest.param(name, marks=pytest.mark.slow if name in NAMES[1:-1] else ()) for name in NAMES]
"""Slow, all of them together: the kernels that are not taken here, but elsewhere, or on an accelerator."""


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> kernels.Kernels:
    """Every set of kernels that runs here, the reference among them."""
    return kernels.available()[request.param]


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)
