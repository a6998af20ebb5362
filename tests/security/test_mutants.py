"""Broken protocols, each of which the leak checker must find out. Most still compute the right results."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tacit.correlations.streams import Streams
from tacit.errors import InternalError, PartyFailedError
from tacit.protocols import Protocol, Share
from tacit.protocols.additive import opening, protocol
from tacit.protocols.additive.opening import Mask
from tacit.protocols.additive.sharing import PairStreams
from tacit.ring.bilinear import MATMUL, MUL
from tacit.settings import Settings
from tacit.testing.leaks import check, find, stage
from tacit.testing.programs import CASES, fixed, numbers, owned

# Every test searches a broken protocol for leaks: without them, nobody knew that the search finds any.
pytestmark = pytest.mark.slow

Program = Callable[[Protocol], list[Share]]


def alarms(program: Program, parties: int = 2, settings: Settings | None = None) -> set[str]:
    """Which tests find a leak."""
    return {leak.test for leak in find(program, parties, settings).leaks}


def multiply(p: Protocol) -> list[Share]:
    return [p.multiply(MUL, fixed(p, numbers(1)), fixed(p, numbers(2)))]


def squares(p: Protocol) -> list[Share]:
    return [p.square(fixed(p, numbers(1))), p.square(fixed(p, numbers(2)))]


def compare(p: Protocol) -> list[Share]:
    return p.compare(fixed(p, numbers(1)), [0])


def two_numbers(p: Protocol) -> list[Share]:
    x, y = fixed(p, numbers(1) >= 0), fixed(p, numbers(2) >= 0)
    return [p.to_number(x, 0), p.to_number(y, 0)]


def reveal_twice(p: Protocol) -> list[Share]:
    x = fixed(p, numbers(1))
    stage(p, "reveal")
    for _ in range(2):
        p.reveal(x, None)
    return []


def two_owned(p: Protocol) -> list[Share]:
    x = fixed(p, numbers(1))
    return [p.multiply(MATMUL, x, owned(p, numbers(seed), 0)) for seed in (2, 3)]


@pytest.fixture
def shared_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second mask is the one before."""
    last: dict[Any, Mask] = {}

    def reuse(number: int, numel: int) -> Mask:
        here = threading.get_ident()
        mask = last.pop(here, None)
        if mask is None or mask.numel != numel:
            mask = last[here] = Mask(number, numel)
        return mask

    monkeypatch.setattr(opening, "Mask", reuse)


@pytest.mark.usefixtures("shared_masks")
@pytest.mark.parametrize("parties", [2, 3])
def test_a_mask_used_for_two_values(parties: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mask, "cover", lambda self, x, region: None)
    assert {"xor", "difference"} <= alarms(multiply, parties)


@pytest.mark.usefixtures("shared_masks")
def test_a_mask_used_for_two_values_does_not_get_that_far() -> None:
    with pytest.raises(PartyFailedError, match="covers one value and was about to open another") as failure:
        find(multiply, 2)
    assert isinstance(failure.value.__cause__, InternalError)


def test_a_share_opened_without_a_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Streams, "ring_mask", lambda self, mask, numel: torch.zeros(numel, dtype=torch.int64))
    assert "bias of the bits" in alarms(multiply)


def test_a_short_mask_opened_in_the_full_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, real = Streams.ring_mask, protocol.opened
    monkeypatch.setattr(Streams, "ring_mask", lambda self, mask, numel: whole(self, mask, numel) & ((1 << 40) - 1))
    monkeypatch.setattr(protocol, "opened", lambda context, x, width=64, to=None: real(context, x, 64, to))
    assert "bias of the bits" in alarms(compare, settings=Settings(compare_bits=40))


def test_a_reveal_without_zero_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    check(reveal_twice, 3)
    zeros = lambda self, rank, count, boolean: torch.zeros(count, dtype=torch.int64)  # noqa: E731
    monkeypatch.setattr(PairStreams, "zero_share", zeros)
    assert "xor" in alarms(reveal_twice, parties=3)


def test_one_zero_share_for_two_reveals(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PairStreams.zero_share

    def again(self: PairStreams, rank: int, count: int, boolean: bool) -> torch.Tensor:
        share = whole(self, rank, count, boolean)
        self._drawn -= self._drawn % 2  # 1 and 2, 3 and 4, ... read the same stream
        return share

    monkeypatch.setattr(PairStreams, "zero_share", again)
    assert "xor" in alarms(reveal_twice, parties=3)


def test_rho_used_for_two_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Streams.bit_mask
    monkeypatch.setattr(Streams, "bit_mask", lambda self, mask, shape: whole(self, (mask + 1) // 2, shape))
    assert "xor" in alarms(two_numbers)


def test_one_mask_for_all_nodes_of_a_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Streams.bit_mask

    def repeated(self: Streams, mask: int, shape: tuple[int, ...]) -> torch.Tensor:
        _, *rest = shape
        return whole(self, mask, (1, *rest)).expand(shape).clone() if rest else whole(self, mask, shape)

    monkeypatch.setattr(Streams, "bit_mask", repeated)
    assert "xor" in alarms(compare)


def test_one_mask_for_all_levels_of_a_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Streams.bit_mask
    # A comparison takes five ids: opening, tables, two groups of nodes, the root.
    monkeypatch.setattr(Streams, "bit_mask", lambda self, mask, shape: whole(self, (mask + 4) // 5, shape))
    assert "xor" in alarms(compare)


def test_an_output_stream_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Streams.output_share
    # Two squares take the ids 1 to 4: masks 1 and 3, requests 2 and 4.
    monkeypatch.setattr(
        Streams, "output_share", lambda self, request, i, output: whole(self, (request + 3) // 4, i, output)
    )
    assert {"sum", "difference"} & alarms(squares)


def test_a_private_mask_used_for_two_values(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Streams.private_mask
    # Two products take five ids: private mask, mask, request, and for the second one no mask of x.
    monkeypatch.setattr(Streams, "private_mask", lambda self, mask, numel: whole(self, (mask + 4) // 5, numel))
    assert "difference" in alarms(two_owned)


@pytest.mark.parametrize("parties", [2, 3])
def test_the_first_party_deals(parties: int) -> None:
    settings = Settings(randomness="insecure_local")
    assert "difference" in alarms(multiply, parties, settings)


def owner_then_all(p: Protocol) -> list[Share]:
    """Opens x to party 1, then another value to all, under the same mask."""
    x, y, z = (fixed(p, numbers(seed)) for seed in (1, 2, 3))
    stage(p, "owner")
    first = p.multiply(MATMUL, x, owned(p, numbers(4), 1))
    y.storage.openings["whole", 64] = x.storage.openings["whole", 64]
    stage(p, "all")
    return [first, p.multiply(MATMUL, y, z)]


def test_the_same_opening_again_excuses_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mask, "cover", lambda self, x, region: None)
    report = find(owner_then_all, 3, again=[("owner", "all")])
    assert {"xor", "difference"} <= {leak.test for leak in report.leaks}


def test_a_case_that_opens_again_would_fail_without_saying_so() -> None:
    case = CASES["matmul, opened to party 1, then to all"]
    assert find(case.program, 2).leaks
