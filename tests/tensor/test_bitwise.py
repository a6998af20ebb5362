"""Operations on the bits of secret integers: every pair of small numbers, what they cost, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import tacit
from tacit import Settings
from tacit.errors import UnsupportedOpError
from tacit.runtime.session import current

OPERATIONS = (torch.bitwise_and, torch.bitwise_or, torch.bitwise_xor)
N = 64


def held(x: Tensor) -> Tensor:
    """A secret that no party knows."""
    return tacit.secret(x, owner="a") + tacit.secret(torch.zeros_like(x), owner="b")


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8])
def test_every_pair_of_numbers_of_eight_bits(dtype: torch.dtype) -> None:
    x = torch.arange(256).to(dtype).repeat_interleave(256)
    y = torch.arange(256).to(dtype).repeat(256)

    def job() -> list[Tensor]:
        ours, theirs = held(x), held(y)
        return [tacit.reveal(op(ours, theirs)) for op in OPERATIONS] + [tacit.reveal(ours >> k) for k in range(9)]

    found = tacit.run(job, ["a", "b"], settings=Settings(randomness="insecure_local"))["a"]
    wanted = [op(x, y) for op in OPERATIONS] + [x >> k for k in range(9)]
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


COSTS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], int, int]] = {
    "parity": (lambda x, _: x & 1, 2, 2),
    "low bits, of which two count": (lambda x, _: x & 0b1001, 2, 6),
    "a mask that clears low bits": (lambda x, _: x & -16, 2, 8),
    "and": (lambda x, y: x & y, 6, 518),
    "or": (lambda x, y: x | y, 6, 518),
    "xor": (lambda x, y: x ^ y, 5, 390),
    "not": (lambda x, _: ~x, 0, 0),
    "left shift": (lambda x, _: x << 3, 0, 0),
    "right shift": (lambda x, _: x >> 3, 5, 224),
}


@pytest.mark.parametrize("name", COSTS)
def test_rounds_and_bits(name: str) -> None:
    operation, rounds, bits = COSTS[name]

    def job() -> tuple[int, int, int]:
        x, y = held(torch.arange(N)), held(torch.arange(N))
        meter = current().meter
        before = meter.rounds, meter.bytes_sent
        operation(x, y)
        return before[0], meter.rounds, (meter.bytes_sent - before[1]) * 8 // N

    starts, ends, sent = zip(*tacit.run(job, ["a", "b"]).values(), strict=True)
    assert (max(ends) - max(starts), *sent) == (rounds, bits, bits)  # one party may be a round ahead of the other


REFUSED: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
    "and": (lambda x: x & 1, torch.ones(3)),
    "or": (lambda x: x | x, torch.ones(3)),
    "not": (torch.bitwise_not, torch.ones(3)),
    "secret amount": (lambda x: x << x, torch.ones(3, dtype=torch.int64)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_fractions_and_secret_amounts_are_refused(name: str) -> None:
    operation, value = REFUSED[name]

    def job() -> None:
        with pytest.raises(UnsupportedOpError, match=r"integers or bits|secret number of places"):
            operation(held(value))

    tacit.run(job, ["a", "b"])
