"""Matrix products of every kernel against Python integers."""

from __future__ import annotations

import numpy
import pytest
import torch

from tacit.errors import MisuseError
from tacit.ring import products, reference
from tacit.ring.kernels import Kernels


def exact(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """a @ b in Python integers, then modulo 2^64 as a signed word."""
    product = numpy.matmul(a.numpy().astype(object), b.numpy().astype(object))
    wrapped = (product + 2**63) % 2**64 - 2**63
    return torch.from_numpy(numpy.asarray(wrapped, dtype=object).astype(numpy.int64))


SHAPES = [
    (1, 1, 1), (1, 7, 40), (1, 300, 33), (40, 7, 1), (33, 300, 1), (2, 9, 17), (3, 5, 16), (12, 16, 16), (13, 17, 17),
    (24, 193, 31), (25, 192, 32), (97, 193, 17), (9, 385, 140), (49, 384, 33),
    (5, 4, 1537), (26, 200, 100), (96, 1, 96), (7, 1025, 8),
]  # fmt: skip
"""Around the edges of register tiles, panels and cache blocks."""


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_matmul_is_exact_for_any_layout(target: Kernels, words, shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    a, b = words(rows, inner), words(inner, columns)
    expected = exact(a, b)
    a_transposed, b_transposed = a.t().contiguous().t(), b.t().contiguous().t()
    wide = words(inner * 2, columns * 3)
    wide[::2, ::3] = b
    for left in (a, a_transposed):
        for right in (b, b_transposed, wide[::2, ::3]):
            assert torch.equal(target.matmul(left, right), expected)


def test_matmul_of_nothing(target: Kernels, words) -> None:
    assert target.matmul(words(0, 4), words(4, 2)).shape == (0, 2)
    assert target.matmul(words(3, 4), words(4, 0)).shape == (3, 0)
    assert torch.equal(target.matmul(words(3, 0), words(0, 2)), torch.zeros(3, 2, dtype=torch.int64))
    assert target.bmm(words(0, 3, 4), words(0, 4, 2)).shape == (0, 3, 2)


def test_bmm_takes_strided_and_expanded_batches(target: Kernels, words) -> None:
    a, b = words(5, 13, 30), words(5, 30, 18)
    expected = torch.stack([exact(x, y) for x, y in zip(a, b, strict=True)])
    assert torch.equal(target.bmm(a, b), expected)
    swapped = a.transpose(0, 1).contiguous().transpose(0, 1)
    assert torch.equal(target.bmm(swapped, b.transpose(1, 2).contiguous().transpose(1, 2)), expected)
    shared = a[0].expand(5, 13, 30)
    assert torch.equal(target.bmm(shared, b), torch.stack([exact(a[0], y) for y in b]))


@pytest.mark.usefixtures("three_threads")
def test_threads_share_the_rows(target: Kernels, words) -> None:
    a, b = words(3, 70, 100), words(3, 100, 90)
    assert torch.equal(target.bmm(a, b), torch.stack([exact(x, y) for x, y in zip(a, b, strict=True)]))


def test_all_ones_fill_every_carry(target: Kernels) -> None:
    ones = torch.full((30, 400), -1, dtype=torch.int64)
    assert torch.equal(target.matmul(ones, ones.t()), torch.full((30, 30), 400, dtype=torch.int64))
    least = torch.full((30, 400), -(2**63), dtype=torch.int64)
    assert torch.equal(target.matmul(least, torch.ones(400, 5, dtype=torch.int64)), torch.zeros(30, 5).long())


@pytest.mark.parametrize("fast", [False, True])
def test_reference_by_limbs_and_by_torch(monkeypatch: pytest.MonkeyPatch, words, fast: bool) -> None:
    monkeypatch.setattr(reference, "_int64_product_is_fast", lambda: fast)
    monkeypatch.setattr(reference, "_EXACT_TERMS", 37)
    a, b = words(40, 100), words(100, 50)
    assert torch.equal(reference.matmul(a, b), exact(a, b))


@pytest.mark.slow  # sums as long as exactness allows: the limit that is written down is the limit
def test_limbs_stay_exact_at_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "_int64_product_is_fast", lambda: False)
    inner = reference._EXACT_TERMS + 1
    a = torch.full((4, inner), -1, dtype=torch.int64)
    assert torch.equal(reference.matmul(a, a.t()), torch.full((4, 4), inner, dtype=torch.int64))


@pytest.mark.parametrize(
    ("x", "y"),
    [((4,), (4,)), ((4,), (4, 5)), ((2, 4), (4,)), ((7, 1, 3, 4), (6, 4, 5)), ((5, 3, 4), (4,)), ((4,), (6, 4, 5)),
     ((0, 4), (4, 2)), ((2, 0), (0, 3)), ((3, 0, 4), (4, 5)), ((2, 3, 0), (2, 0, 4)), ((2, 3, 4), (4, 5))],
    ids=str,
)  # fmt: skip
def test_products_matmul_has_torchs_semantics(words, x: tuple[int, ...], y: tuple[int, ...]) -> None:
    a, b = words(*x), words(*y)
    result = products.matmul(a, b)
    assert torch.equal(result, torch.matmul(a, b))
    assert result.shape == products.matmul_shape(x, y)


@pytest.mark.parametrize(("x", "y"), [((3, 4), (5, 6)), ((), (3,)), ((2, 3, 4), (3, 4, 5)), ((4,), (5,))], ids=str)
def test_products_refuse_what_does_not_fit(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    with pytest.raises(MisuseError):
        products.matmul_shape(x, y)


@pytest.mark.parametrize("x", [(), (1,), (4,), (3, 1), (1, 4), (0, 4), (2, 1, 4), (2, 3, 1), (5,)], ids=str)
@pytest.mark.parametrize("y", [(), (1,), (4,), (3, 4), (2, 1, 1), (1, 0, 1)], ids=str)
def test_broadcasting_is_torchs(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    try:
        expected = tuple(torch.broadcast_shapes(x, y))
    except RuntimeError:
        with pytest.raises(MisuseError):
            products.broadcast_shape(x, y)
    else:
        assert products.broadcast_shape(x, y) == expected
