"""Truncation and choice of masked values, every kernel against whole numbers."""

from __future__ import annotations

import pytest
import torch

from tacit.ring import kernels
from tacit.ring.bits import pack_bits
from tacit.ring.kernels import Kernels

LENGTHS = [0, 1, 63, 64, 65, 200, 1000]
WIDTHS = [(64, 16), (64, 1), (64, 61), (49, 17), (40, 0), (32, 8)]


def in_range(words: torch.Tensor, width: int) -> torch.Tensor:
    """Whole numbers with ``|x| < 2**(width - 2)``."""
    return words >> (66 - width) if width < 64 else words >> 2


def masked(x: torch.Tensor, a: torch.Tensor, width: int, shift: int) -> tuple[torch.Tensor, ...]:
    """The public value, and what the source knows of r = -a: r >> shift and its top bit, modulo 2**width."""
    modulus = 1 << width
    r = [-value % modulus for value in a.tolist()]
    m = [(value - mask) % modulus for value, mask in zip(x.tolist(), a.tolist(), strict=True)]
    signed = [value - (1 << 64) if value >> 63 else value for value in m]
    return torch.tensor(signed), torch.tensor([v >> shift for v in r]), torch.tensor([v >> (width - 1) for v in r])


def shares(value: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return value - mask, mask


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("width", "shift"), WIDTHS)
def test_a_truncation_is_the_floor_or_one_more(target: Kernels, words, n: int, width: int, shift: int) -> None:
    x = in_range(words(n), width)
    m, shifted, top = (part.to(torch.int64) for part in masked(x, words(n), width, shift))
    halves = [shares(part, words(n)) for part in (shifted, top)]
    for rounding in (0, 1 << (shift - 1) if shift else 0):
        total = target.truncated(m, width, shift, rounding, True, *(half[0] for half in halves))
        total = total + target.truncated(m, width, shift, rounding, False, *(half[1] for half in halves))
        excess = total - ((x + rounding) >> shift)
        assert ((excess == 0) | (excess == 1)).all()
        if shift == 0:
            assert (excess == 0).all()


@pytest.mark.parametrize("n", LENGTHS)
def test_a_choice_takes_all_or_nothing(target: Kernels, words, n: int) -> None:
    x, a, bit, rho = words(n), words(n), words(n) < 0, words(n) < 0
    halves = [shares(part, words(n)) for part in (a, rho.to(torch.int64), rho * a)]
    beta = pack_bits(bit ^ rho)
    total = sum(target.chosen(x - a, side == 0, *(half[side] for half in halves), beta) for side in (0, 1))
    assert torch.equal(total, x * bit)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("width", "shift"), WIDTHS)
def test_a_choice_of_a_truncation(target: Kernels, words, n: int, width: int, shift: int) -> None:
    x, bit, rho = in_range(words(n), width), words(n) < 0, words(n) < 0
    m, shifted, top = (part.to(torch.int64) for part in masked(x, words(n), width, shift))
    halves = [shares(part, words(n)) for part in (shifted, rho.to(torch.int64), rho * shifted, top, rho * top)]
    beta = pack_bits(bit ^ rho)
    sides = [
        target.chosen_truncated(m, width, shift, side == 0, *(half[side] for half in halves), beta) for side in (0, 1)
    ]
    excess = sides[0] + sides[1] - (x >> shift) * bit
    assert ((excess == 0) | (bit & (excess == 1))).all()


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 200, 300])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_weighed_rows(target: Kernels, words, n: int, rows: int) -> None:
    shares, weights, bits = words(rows, n), words(rows), words(rows * n) < 0
    total, picked = target.weighed(shares, pack_bits(bits), weights)
    for e in range(n):
        chosen = [bool(bits[i * n + e]) for i in range(rows)]
        signed = [-int(w) if bit else int(w) for w, bit in zip(weights, chosen, strict=True)]
        exact = sum(w * int(share) for w, share in zip(signed, shares[:, e], strict=True))
        assert (int(total[e]) - exact) % (1 << 64) == 0
        assert (int(picked[e]) - sum(int(w) for w, bit in zip(weights, chosen, strict=True) if bit)) % (1 << 64) == 0


@pytest.mark.parametrize("name", [name for name in kernels.available() if name not in ("device", "reference")])
def test_operands_that_do_not_fit_are_refused(name: str) -> None:
    native = kernels.available()[name]
    x, plane = torch.zeros(65, dtype=torch.int64), torch.zeros(2, dtype=torch.int64)
    calls = [
        lambda: native.truncated(x, 64, 0, 0, True, x, x),
        lambda: native.truncated(x, 65, 16, 0, True, x, x),
        lambda: native.truncated(x, 64, 63, 0, True, x, x),
        lambda: native.truncated(x, 64, 16, 0, True, x[1:], x),
        lambda: native.truncated(x.int(), 64, 16, 0, True, x, x),
        lambda: native.chosen(x, True, x, x, x, plane[1:]),
        lambda: native.weighed(x.view(5, 13), plane[1:], x[:5]),
        lambda: native.weighed(x.view(5, 13), plane, x[:4]),
        lambda: native.chosen(x, True, x, x[1:], x, plane),
        lambda: native.chosen_truncated(x, 64, 16, True, x, x, x, x, x[:64], plane),
        lambda: native.chosen_truncated(x, 64, 16, True, x, x, x, x, x, plane[:1]),
    ]
    for call in calls:
        with pytest.raises(ValueError):
            call()
