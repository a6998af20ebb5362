"""The dealer: ids never go back, and what it makes ahead of time is what it would have made when asked."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tacit.correlations import dealer as dealer_module
from tacit.correlations import forecast as forecast_module
from tacit.correlations._base import make_correction
from tacit.correlations.dealer import Dealer
from tacit.correlations.forecast import Forecast
from tacit.correlations.masks import Masks, MaskView
from tacit.correlations.requests import Choice, OwnedProduct, Product, Request, Square, Truncation
from tacit.correlations.streams import OUTPUTS_PER_REQUEST, Output, Streams
from tacit.errors import InternalError, ProtocolAbort
from tacit.ring.bilinear import MATMUL

FIXED = MaskView.of_all(1, (4, 5))


def streams(parties: int = 2) -> list[Streams]:
    return [Streams(os.urandom(16), "aes128-ctr") for _ in range(parties)]


def batch(start: int, size: int = 3) -> list[Request]:
    """The requests of one step of a program: a product with a fixed weight, then what follows it. Ten ids."""
    x = MaskView.of_all(start, (size, 4))
    y = MaskView.of_all(start + 2, (size, 5))
    return [
        Product(start + 1, MATMUL, x, FIXED),
        Truncation(start + 3, y, 64, 16),
        Choice(start + 5, y.count, (y,)),
        Square(start + 7, x),
    ]


def program(steps: int) -> list[Request]:
    return [request for step in range(steps) for request in batch(2 + 10 * step)]


# ---------------------------------------------------------------- ids


@pytest.mark.parametrize("again", [5, 4, 1])
def test_ids_never_go_back(again: int) -> None:
    dealer = Dealer(streams())
    dealer.answer(Square(5, FIXED))
    with pytest.raises(ProtocolAbort, match="ids never go back"):
        dealer.answer(Square(again, FIXED))
    dealer.answer(Square(6, FIXED))


def test_an_id_does_not_come_back_for_another_kind_or_after_running_ahead() -> None:
    dealer = Dealer(streams())
    for request in program(4):
        dealer.answer(request)
        while dealer.work_ahead():
            pass
    assert dealer.predicted
    with pytest.raises(ProtocolAbort):
        dealer.answer(Truncation(7, FIXED, 64, 16))


def test_a_party_that_is_not_there_is_refused() -> None:
    dealer = Dealer(streams(2))
    with pytest.raises(ProtocolAbort, match="not there"):
        dealer.answer(OwnedProduct(5, MATMUL, FIXED, MaskView.of_all(2, (5, 3)), 2, False))


def test_every_output_has_a_stream_of_its_own() -> None:
    one = Streams(bytes(16), "aes128-ctr")
    output = Output((4,))
    drawn = {tuple(one.output_share(request, i, output).tolist()) for request in range(1, 40) for i in range(40)}
    assert len(drawn) == 39 * 40
    with pytest.raises(InternalError, match="another request's stream"):
        one.output_share(1, OUTPUTS_PER_REQUEST, output)


def test_kinds_of_masks_have_streams_of_their_own() -> None:
    one = Streams(bytes(16), "aes128-ctr")
    drawn = [one.ring_mask(5, 4), one.bit_mask(5, (4,)), one.private_mask(5, 4), one.output_share(5, 0, Output((4,)))]
    assert len({tuple(words.tolist()) for words in drawn}) == 4


# ---------------------------------------------------------------- running ahead


def answers_of(requests: list[Request], ahead: bool, parties: list[Streams]) -> tuple[list[torch.Tensor], int]:
    dealer, answers = Dealer(parties), []
    for request in requests:
        answers.append(dealer.answer(request))
        while ahead and dealer.work_ahead():
            pass
    return answers, dealer.predicted


def test_what_is_made_ahead_is_what_would_be_made_when_asked() -> None:
    parties, requests = streams(3), program(6)
    ahead, predicted = answers_of(requests, True, parties)
    asked, none = answers_of(requests, False, parties)
    assert predicted >= 4 * 3
    assert none == 0
    assert all(torch.equal(one, other) for one, other in zip(ahead, asked, strict=True))


@given(st.lists(st.sampled_from([3, 4, 5]), min_size=4, max_size=14))
def test_wrong_forecasts_do_no_harm(sizes: list[int]) -> None:
    """Steps of other sizes each time: what was made ahead in vain is never sent."""
    parties = streams()
    requests = [request for step, size in enumerate(sizes) for request in batch(2 + 10 * step, size)]
    ahead, _ = answers_of(requests, True, parties)
    masks = Masks(parties)
    assert all(torch.equal(a, make_correction(r, parties, masks)) for a, r in zip(ahead, requests, strict=True))


def test_a_long_program_outlives_the_memory_of_the_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_module, "MEMORY", 60)
    parties, requests = streams(), program(60)
    ahead, predicted = answers_of(requests, True, parties)
    asked, _ = answers_of(requests, False, parties)
    assert predicted > len(requests) // 2
    assert all(torch.equal(one, other) for one, other in zip(ahead, asked, strict=True))


def test_the_stock_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealer_module, "STOCK_BYTES", 1000)
    dealer = Dealer(streams())
    made = 0
    for request in program(10):
        dealer.answer(request)
        while dealer.work_ahead():
            made += 1
            assert sum(kept.nbytes for kept in dealer._stock.values()) == dealer.stock_bytes <= 1000
    assert made
    assert dealer.predicted


def test_masks_that_are_kept_are_bounded() -> None:
    masks = Masks(streams(), limit=4000)
    for number in range(1, 50):
        first = masks.ring(MaskView.of_all(number, (100,)))
        assert torch.equal(first, masks.ring(MaskView.of_all(number, (100,))))
        assert masks._size <= 4000


# ---------------------------------------------------------------- forecasts


def test_a_forecast_finds_fixed_and_moving_ids() -> None:
    forecast = Forecast()
    requests = program(4)
    for request in requests[:8]:
        forecast.observe(request)
    assert forecast.next(100) == requests[8:12]
    assert forecast.next(2) == requests[8:10]


def test_no_forecast_before_a_repetition() -> None:
    forecast = Forecast()
    for request in program(1):
        assert forecast.next(10) == []
        forecast.observe(request)
    assert forecast.next(10) == []


def test_a_forecast_follows_a_program_that_changes() -> None:
    forecast = Forecast()
    for request in program(3):
        forecast.observe(request)
    changed = [Square(100 + 2 * i, MaskView.of_all(99 + 2 * i, (7,))) for i in range(4)]
    for request in changed:
        forecast.observe(request)
    assert forecast.next(1) == [replace(changed[-1], id=108, mask=MaskView.of_all(107, (7,)))]


def test_a_forecast_never_names_an_id_below_one() -> None:
    forecast = Forecast()
    for number in (90, 50, 10):  # a program that goes back is not honest, but must not break the forecast
        forecast.observe(Square(number, MaskView.of_all(number, (3,))))
    assert forecast.next(10) == []
