"""The ways of the device's matrix product, each by itself, on CPU tensors against Python integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy
import pytest
import torch

from tacit.ring import prg
from tacit.ring.device import limbs

EXTREMES = torch.tensor([0, 1, -1, 2**62, -(2**62), 2**63 - 1, -(2**63), 0x7F7F7F7F7F7F7F7F, -0x7F7F7F7F7F7F7F80])


def words(stream: int, *shape: int) -> torch.Tensor:
    draw = prg.Prg(b"limbs of tacit's").words(stream, torch.Size(shape).numel())
    return torch.where(draw & 3 == 0, EXTREMES[(draw >> 2) % len(EXTREMES)], draw).view(shape)


def exact(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    product = numpy.matmul(a.numpy().astype(object), b.numpy().astype(object))
    return torch.from_numpy(numpy.asarray((product + 2**63) % 2**64 - 2**63, dtype=object).astype(numpy.int64))


def only(product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda a, b: product(a.unsqueeze(0), b.unsqueeze(0)).squeeze(0)


@pytest.mark.parametrize(
    "product", [limbs.by_limbs, only(limbs.by_elements), only(limbs.by_doubles)], ids=["limbs", "elements", "doubles"]
)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 40), (33, 17, 5), (16, 16, 16), (50, 100, 9), (7, 300, 31)])
def test_every_way_is_exact(product: Callable[..., torch.Tensor], shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    a, b = words(1, rows, inner), words(2, inner, columns)
    expected = exact(a, b)
    for left in (a, a.t().contiguous().t()):
        for right in (b, b.t().contiguous().t()):
            out = product(left, right)
            assert torch.equal(out, expected)
            assert out.is_contiguous()


def test_a_long_inner_size_is_cut_before_a_sum_can_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 8 * limbs.EXACT_INNER * 128 * 128 < 2**31
    assert limbs.EXACT_INNER % 16 == 0
    least = torch.full((2, limbs.EXACT_INNER + 5), 0x7F7F7F7F7F7F7F80)  # all limbs are -128: the largest sums there are
    assert set(limbs._limbs(least[:1, :1], 1, 1, lowest_first=True).view(-1).tolist()) == {-128}
    b = least.t().contiguous()
    assert torch.equal(limbs.by_limbs(least, b), exact(least, b))
    monkeypatch.setattr(limbs, "EXACT_INNER", 16)
    monkeypatch.setattr(limbs, "_WIDE_EXACT", 7)
    monkeypatch.setattr(limbs, "_ELEMENTS", 50)
    a, b = words(3, 3, 9, 83), words(4, 3, 83, 6)
    expected = torch.stack([exact(x, y) for x, y in zip(a, b, strict=True)])
    assert torch.equal(torch.stack([limbs.by_limbs(x, y) for x, y in zip(a, b, strict=True)]), expected)
    assert torch.equal(limbs.by_doubles(a, b), expected)
    assert torch.equal(limbs.by_elements(a, b), expected)


def test_limbs_are_signed_bytes() -> None:
    x = words(5, 300, 1)
    digits = limbs._limbs(x, 300, 1, lowest_first=True)
    assert digits.dtype == torch.int8
    for number, row in zip(x.view(-1).tolist(), digits.tolist(), strict=True):
        assert (sum(limb << (8 * i) for i, limb in enumerate(row)) - number) % 2**64 == 0
    assert torch.equal(limbs._limbs(x, 300, 1, lowest_first=False), digits.flip(1))


def test_operands_fit_what_cuda_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    multiply, met = torch._int_mm, []

    def checked(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        met.append((a.shape, b.shape))
        assert a.dtype == b.dtype == torch.int8
        assert a.shape[0] > 16
        assert a.shape[1] % 16 == 0
        assert b.shape[1] % 16 == 0
        assert a.stride(1) == 1
        assert b.stride(0) == 1
        assert a.stride(0) % 16 == b.stride(1) % 16 == a.storage_offset() % 16 == b.storage_offset() % 16 == 0
        return multiply(a, b)

    monkeypatch.setattr(torch, "_int_mm", checked)
    a, b = words(6, 5, 19), words(7, 19, 6)
    assert torch.equal(limbs.by_limbs(a, b), exact(a, b))
    assert len(met) == 8


def test_the_choice_of_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    for name in ("by_limbs", "by_elements", "by_doubles"):
        way = getattr(limbs, name)
        monkeypatch.setattr(limbs, name, lambda a, b, way=way, name=name: taken.append(name) or way(a, b))
    for left, right in [((1, 70, 70), (1, 70, 70)), ((9, 40, 50), (9, 50, 40)), ((3, 2, 500), (3, 500, 90))]:
        a, b = words(8, *left), words(9, *right)
        assert torch.equal(limbs.bmm(a, b), torch.stack([exact(x, y) for x, y in zip(a, b, strict=True)]))
    assert taken == ["by_limbs", "by_doubles", "by_elements"]
    assert limbs.matmul(words(1, 3, 0), words(1, 0, 2)).tolist() == [[0, 0]] * 3
