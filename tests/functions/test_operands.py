"""Functions of values that somebody knows, of views, far out, and beyond their ranges."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

import tacit
from tacit.functions import exponential, logarithm, normalization, periodic, power, reciprocal, roots, rounding, softmax
from tacit.functions import trigonometry as angles
from tacit.protocols import Protocol, Share
from tacit.ring.bilinear import MUL
from tacit.ring.fixed_point import decode, encode
from tacit.runtime.session import current
from tacit.testing.accuracy import secret

UNIT = 16
Function = Callable[[Protocol, Share], Share]

FUNCTIONS: dict[str, tuple[Function, Callable[[Tensor], Tensor]]] = {
    "gelu": (periodic.gelu, torch.nn.functional.gelu),
    "tanh": (periodic.tanh, torch.tanh),
    "exp": (exponential.exp, torch.exp),
    "log": (logarithm.logarithm, torch.log),
    "reciprocal": (reciprocal.reciprocal, torch.reciprocal),
    "sqrt": (roots.square_root, torch.sqrt),
    "rsqrt": (roots.inverse_root, torch.rsqrt),
    "sin": (angles.sine, torch.sin),
    "round": (rounding.round_to_even, torch.round),
    "power": (lambda p, x: power.power(p, x, 5), lambda x: x**5),
    "softmax": (softmax.softmax, lambda x: torch.softmax(x, -1)),
    "layer_norm": (
        lambda p, x: normalization.normalize(p, x, 1e-5).value,
        lambda x: torch.nn.functional.layer_norm(x, (5,)),
    ),
    "layer_norm with nothing added": (
        lambda p, x: normalization.normalize(p, x, 0).value,
        lambda x: torch.nn.functional.layer_norm(x, (5,), eps=0),
    ),
}
X = encode(torch.tensor([[0.5, 1.0, 2.25, 0.03, 3.0], [1.5, 4.0, 0.25, 0.75, 2.0]], dtype=torch.float64), UNIT)


def shares(p: Protocol) -> dict[str, Share]:
    private = {
        f"private {owner}": p.share(X if p.party.rank == owner else None, owner, X.shape, UNIT) for owner in (0, 1)
    }
    big = secret(p, decode(torch.cat([X, X], 1), UNIT, torch.float64))
    views = {
        "part of a storage": big.view(lambda part: part[:, 5:]),
        "transposed": secret(p, decode(X.t().contiguous(), UNIT, torch.float64)).view(torch.t),
    }
    ones = secret(p, torch.ones(X.shape[1], dtype=torch.float64))
    pending = p.multiply(MUL, secret(p, decode(X, UNIT, torch.float64)), ones)
    return {**private, "public": p.public(X, UNIT), **views, "pending": pending}


def results(function: Function) -> dict[str, dict[str, Tensor]]:
    def job() -> dict[str, Tensor]:
        p = current().protocol
        found = {}
        for kind, share in shares(p).items():
            ring = p.reveal(function(p, share), None)
            assert ring is not None
            found[kind] = decode(ring, UNIT, torch.float64)
        return found

    return tacit.run(job, parties=["a", "b"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_kind_of_operand(name: str) -> None:
    function, truth = FUNCTIONS[name]
    found, expected = results(function), truth(decode(X, UNIT, torch.float64))
    for kind, value in found["a"].items():
        assert torch.equal(value, found["b"][kind]), kind
        assert torch.allclose(value, expected, rtol=1e-4, atol=1e-4), kind


def at_numbers(function: Function, numbers: list[float]) -> list[float]:
    def job() -> Tensor:
        p = current().protocol
        ring = p.reveal(function(p, secret(p, torch.tensor(numbers, dtype=torch.float64))), None)
        assert ring is not None
        return decode(ring, UNIT, torch.float64)

    values: list[float] = tacit.run(job, parties=["a", "b"])["a"].tolist()
    return values


def close(values: list[float], expected: list[float]) -> None:
    assert values == pytest.approx(expected, rel=1e-4, abs=5e-5)


def test_numbers_far_from_one() -> None:
    """Limits and polynomials without range reduction fail at these numbers."""
    close(at_numbers(lambda p, x: power.power(p, x, 5), [-2.0, 3.0, 0.5]), [-32.0, 243.0, 0.03125])
    close(at_numbers(reciprocal.reciprocal, [300.0, 1000.0, 20000.0, -7.0]), [1 / 300, 1e-3, 5e-5, -1 / 7])
    close(at_numbers(logarithm.logarithm, [250.0, 1e6, 1e12]), [math.log(v) for v in (250.0, 1e6, 1e12)])
    close(at_numbers(roots.square_root, [100.0, 1e6, 1e12]), [10.0, 1e3, 1e6])
    close(at_numbers(roots.inverse_root, [0.05, 1.0, 100.0]), [0.05**-0.5, 1.0, 0.1])
    close(at_numbers(periodic.sigmoid, [-700.0, 700.0, 1e9]), [0.0, 1.0, 1.0])
    close(at_numbers(softmax.softmax, [0.001 * (i % 3) for i in range(3000)]), [1 / 3000] * 3000)
    close(
        at_numbers(exponential.exp, [-1e9, -3.0, 0.0, 9.0, 20.0]), [0.0, math.exp(-3), 1.0, math.exp(9), math.exp(20)]
    )


def test_results_saturate_where_they_leave_the_range() -> None:
    assert at_numbers(exponential.exp, [31.5, 40.0, 1e12]) == [2.0**45] * 3
    assert at_numbers(reciprocal.reciprocal, [0.0]) == [0.0]
    largest = partial(reciprocal.reciprocal, zero_as_half=True)
    assert at_numbers(largest, [0.0])[0] == pytest.approx(2.0**17, rel=1e-3)
    close(at_numbers(logarithm.logarithm, [0.0, -5.0]), [-17 * math.log(2)] * 2)
    close(at_numbers(roots.square_root, [0.0, -5.0]), [0.0, 0.0])
    assert at_numbers(roots.inverse_root, [0.0])[0] == pytest.approx(2**8.5, rel=1e-3)


def test_log2() -> None:
    close(at_numbers(logarithm.logarithm_of_two, [0.125, 1.0, 1024.0, 1e9]), [-3.0, 0.0, 10.0, math.log2(1e9)])


def test_parts_of_storages_cost_no_more() -> None:
    def job() -> int:
        p, meter = current().protocol, current().meter
        big = secret(p, torch.rand(2, 64, dtype=torch.float64) + 1)
        x, y = (big.view(lambda part, i=i: part[i]) for i in (0, 1))
        before = meter.bytes_sent
        reciprocal.divide(p, x, y)
        return meter.bytes_sent - before

    assert tacit.run(job, parties=["a", "b"])["a"] == pytest.approx(64 * 216, rel=0.02)
