"""Where other systems of this kind are known to give wrong results, or an error, on ordinary input."""

from __future__ import annotations

from collections.abc import Callable

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import tacit
from tacit.errors import PartyFailedError
from tacit.settings import Settings

UNIT = 2.0**-16


def private(function: Callable[..., Tensor], *inputs: object) -> Tensor:
    """``function`` of inputs that the first party has, as the second party learns it."""

    def job() -> Tensor | None:
        mine = tacit.party().name == "owner"
        secrets = [tacit.secret(value if mine else None, owner="owner") for value in inputs]
        return tacit.reveal(function(*secrets), to="other")

    result: Tensor = tacit.run(job, parties=["owner", "other"])["other"]
    return result


def test_negative_numbers_come_back_as_they_are() -> None:
    x = -torch.arange(1, 10_001, dtype=torch.float64)
    assert torch.equal(private(lambda s: s, x), x)
    fine = -torch.arange(1, 10_001, dtype=torch.float64) * UNIT
    assert torch.equal(private(lambda s: s, fine), fine)


@pytest.mark.parametrize("size", [300.0, 1000.0, 10_000.0])
def test_a_million_large_products_are_all_right(size: float) -> None:
    x = torch.full((1_000_000,), size)
    assert (private(lambda s, t: s * t, x, x) - size * size).abs().max() <= UNIT


def test_a_product_that_overflows_is_noticed_in_the_preview() -> None:
    def job() -> None:
        x = tacit.secret(50_000.0 if tacit.party().name == "owner" else None, owner="owner")
        y = tacit.secret(50_000.0 if tacit.party().name == "other" else None, owner="other")
        tacit.reveal(x * y)

    with pytest.raises(PartyFailedError, match="too large for fixed point"):
        tacit.run(job, parties=["owner", "other"], settings=Settings(protocol="plaintext"))


def test_powers() -> None:
    x = torch.linspace(-4, 4, 401)
    assert (private(lambda s: s**5, x) - x**5).abs().max() < 0.05
    assert (private(lambda s: s**2, x) - x**2).abs().max() <= 4 * UNIT


def test_erf_and_gelu() -> None:
    x = torch.linspace(-8, 8, 1601)
    assert (private(torch.erf, x) - torch.erf(x)).abs().max() < 1e-4
    assert (private(F.gelu, x) - F.gelu(x)).abs().max() < 2e-4


@pytest.mark.parametrize("entries", [300, 5000])
def test_a_long_softmax_of_almost_equal_logits(entries: int) -> None:
    x = torch.linspace(0, 0.01, entries).view(1, -1)
    found = private(lambda s: s.softmax(-1), x)
    assert (found - x.softmax(-1)).abs().max() <= 2 * UNIT


def test_functions_of_large_arguments() -> None:
    x = torch.tensor([0.05, 0.3, 100.0, 250.0, 300.0, 1e4, 1e6, 1e8])
    for function, relative in ((torch.reciprocal, 1e-4), (torch.log, 1e-4), (torch.sqrt, 1e-4), (torch.rsqrt, 1e-4)):
        error = (private(function, x) - function(x)).abs()
        assert (error <= relative * function(x).abs() + 2 * UNIT).all(), function.__name__


def test_sigmoid_far_out() -> None:
    x = torch.tensor([-700.0, -699.0, 699.0, 700.0, 701.0])
    assert (private(torch.sigmoid, x) - torch.sigmoid(x)).abs().max() <= 2 * UNIT


def test_padding_never_wins_a_max_pool() -> None:
    x = torch.full((1, 1, 4, 4), -600.0)
    found = private(lambda s: F.max_pool2d(s, 3, 2, 1), x)
    assert torch.equal(found, F.max_pool2d(x, 3, 2, 1))


def test_numpy_numbers_keep_their_fractions() -> None:
    assert abs(private(lambda s: s, numpy.float64(2.75)).item() - 2.75) <= UNIT
    assert abs(private(lambda s: s, numpy.array([0.5, -1.25]))[1].item() + 1.25) <= UNIT


def test_cross_entropy_takes_class_indices() -> None:
    logits, classes = torch.randn(8, 5, generator=torch.Generator().manual_seed(1)), torch.arange(8) % 5
    found = private(lambda s: F.cross_entropy(s, classes), logits)
    assert (found - F.cross_entropy(logits, classes)).abs() < 1e-3


def test_layers_that_are_missing_elsewhere() -> None:
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(2))
    for layer in (nn.LayerNorm(6), nn.GELU(), nn.Hardtanh()):
        assert (private(layer, x) - layer(x)).abs().max() < 1e-3
    assert (private(lambda s: s.clamp(-0.5, 0.5), x) - x.clamp(-0.5, 0.5)).abs().max() <= UNIT
