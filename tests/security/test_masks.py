"""A mask belongs to one value, for ever; a storage lies in memory of its own, so that every write retires its masks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tacit.errors import InternalError, PartyFailedError
from tacit.protocols import Protocol, Share, Storage
from tacit.protocols.additive.opening import Mask, Opening
from tacit.protocols.additive.private_opening import PrivateOpening
from tacit.ring.bilinear import MATMUL
from tacit.runtime.launcher import run
from tacit.runtime.session import current
from tacit.settings import Settings
from tacit.testing.programs import fixed, numbers, owned


def share() -> Share:
    return Share((torch.zeros(4, dtype=torch.int64),), Storage(16, 16))


def together(program: Callable[[Protocol], object], settings: Settings | None = None) -> object:
    return run(lambda: program(current().protocol), ["a", "b"], settings=settings)["a"]


def test_a_mask_covers_one_value_as_often_as_you_like() -> None:
    mask, x = Mask(1, 4), share()
    for _ in range(3):
        mask.cover(x, "whole")


@pytest.mark.parametrize(
    "change",
    [
        lambda x: share(),
        lambda x: x.storage.written() or x,
        lambda x: x.storage.rescaled(8) or x,
    ],
    ids=["another storage", "the same one after a write", "the same one after a truncation"],
)
def test_a_mask_covers_no_second_value(change: Callable[[Share], Share]) -> None:
    mask, x = Mask(1, 4), share()
    mask.cover(x, "whole")
    with pytest.raises(InternalError, match="about to open another"):
        mask.cover(change(x), "whole")


def test_a_mask_covers_no_second_region() -> None:
    mask, x = Mask(1, 4), share()
    mask.cover(x, "whole")
    with pytest.raises(InternalError):
        mask.cover(x, ((2,), (1,), 0))


def test_every_opening_asks_its_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a write forgot the openings of a storage, the mask itself would refuse to open what was written."""
    monkeypatch.setattr(Storage, "written", lambda self: setattr(self, "epoch", self.epoch + 1))

    def program(p: Protocol) -> None:
        x = fixed(p, numbers(1))
        p.multiply(MATMUL, x, owned(p, numbers(2), 0))  # opens x to party 0 only
        p.write(x, fixed(p, numbers(3)))
        p.square(x)

    with pytest.raises(PartyFailedError, match="covers one value"):
        together(program)


def test_the_same_value_keeps_its_mask_and_a_written_one_gets_another() -> None:
    def program(p: Protocol) -> tuple[set[int], ...]:
        x, y = fixed(p, numbers(1)), fixed(p, numbers(2))

        def masks(use: Share) -> set[int]:
            p.square(use)
            return {mask.id for mask in x.storage.openings.values() if isinstance(mask, Mask)}

        first, same = masks(x), masks(x.view(torch.t))
        p.write(x.view(lambda part: part[0]), y.view(lambda part: part[0]))
        return first, same, masks(x)

    first, same, written = together(program)  # type: ignore[misc]
    assert len(first) == len(written) == 1
    assert first == same
    assert first != written


def test_a_written_weight_gets_another_private_mask() -> None:
    def program(p: Protocol) -> tuple[int, int]:
        x, w = fixed(p, numbers(1)), owned(p, numbers(2), 0)
        p.multiply(MATMUL, x, w)
        first: PrivateOpening = w.storage.openings["private"]
        p.write(w, owned(p, numbers(3), 0))
        p.multiply(MATMUL, x, w)
        second: PrivateOpening = w.storage.openings["private"]
        return first.view(w).id, second.view(w).id

    first, second = together(program)  # type: ignore[misc]
    assert first != second


@pytest.mark.parametrize(
    "reshape", [lambda t: t.reshape(-1), lambda t: t.view(4, 16), lambda t: t], ids=["flat", "other shape", "as it is"]
)
@pytest.mark.parametrize("known_to", [None, 0])
def test_what_a_linear_map_makes_lies_in_memory_of_its_own(
    reshape: Callable[[Tensor], Tensor], known_to: int | None
) -> None:
    def program(p: Protocol) -> tuple[Tensor | None, bool]:
        x = fixed(p, numbers(1)) if known_to is None else owned(p, numbers(1), known_to)
        y = p.linear(reshape, x)
        p.write(x, fixed(p, numbers(2)))
        value = p.reveal(y, None)
        return value, y.clear is None or torch.equal(y.clear, reshape(numbers(1)))

    value, clear_stays = together(program)  # type: ignore[misc]
    assert torch.equal(value, reshape(numbers(1)))
    assert clear_stays


def test_the_caller_may_write_into_what_it_shared() -> None:
    def program(p: Protocol) -> list[Tensor | None]:
        public, private = numbers(1), numbers(1)
        x, y = p.public(public, 16), p.share(private if p.party.rank == 0 else None, 0, private.shape, 16)
        public.zero_()
        private.zero_()
        seen = [p.reveal(x, None), p.reveal(p.multiply(MATMUL, fixed(p, numbers(2)), y), None)]
        revealed = p.reveal(x, None)
        assert revealed is not None
        revealed.zero_()
        return [*seen, p.reveal(x, None)]

    x, product, again = together(program, Settings(truncation="exact"))  # type: ignore[misc]
    assert torch.equal(x, numbers(1))
    assert torch.equal(again, numbers(1))
    assert product.abs().max() > 0


def test_an_opening_prints_nothing() -> None:
    def program(p: Protocol) -> list[str]:
        x = fixed(p, numbers(1))
        p.square(x)
        return [repr(found) for found in x.storage.openings.values()]

    texts = together(program)
    assert all(text.startswith(("Mask(id=", f"<{Opening.__module__}.Opening")) for text in texts)  # type: ignore[attr-defined]
