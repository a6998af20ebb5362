"""What is dealt for each kind of request equals its definition on the masks, computed here in whole numbers."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tacit.correlations import wire
from tacit.correlations._base import CORRECTED, correction_bytes, make_correction, output_shares, read_correction
from tacit.correlations.masks import Masks, MaskView
from tacit.correlations.requests import (
    Choice,
    Conjunctions,
    OwnedProduct,
    Product,
    Request,
    Square,
    Tables,
    TruncatedChoice,
    Truncation,
    subsets,
)
from tacit.correlations.streams import PLANES, Streams
from tacit.correlations.tables import chunk_widths
from tacit.ring.bilinear import MATMUL, MUL, conv, conv_grad_input, conv_grad_weight

RING = 1 << 64
Parties = st.sampled_from([2, 3, 4])


def dealt(request: Request, parties: int) -> tuple[list[Streams], list[Tensor]]:
    """The parties' streams, and every output as all shares together give it (modulo 2**width)."""
    streams = [Streams(os.urandom(16), "aes128-ctr") for _ in range(parties)]
    masks = Masks(streams)
    correction = make_correction(request, streams, masks)
    assert correction.numel() == correction_bytes(request)
    assert torch.equal(correction, make_correction(request, streams, masks))  # the masks that are kept stay as they are
    shares = [output_shares(stream, request) for stream in streams]
    shares[CORRECTED] = read_correction(request, correction)
    totals = []
    for output, column in zip(request.outputs(), zip(*shares, strict=True), strict=True):
        combine = torch.bitwise_xor if output.width == PLANES else torch.add
        total = functools.reduce(combine, column)
        assert total.shape == output.shape
        totals.append(total if output.width in (PLANES, 64) else total & ((1 << output.width) - 1))
    return streams, totals


def whole(streams: Sequence[Streams], view: MaskView, without: int | None = None) -> Tensor:
    """The mask that the shares of all parties (but one) make, as the view sees it."""
    masks = [s.ring_mask(view.id, view.numel) for rank, s in enumerate(streams) if rank != without]
    return functools.reduce(torch.add, masks).as_strided(view.size, view.stride, view.offset)


def numbers(x: Tensor) -> list[int]:
    """Ring elements as whole numbers from 0 to 2**64 - 1."""
    return [int(word) % RING for word in x.reshape(-1)]


def bits(plane: Tensor, count: int) -> list[int]:
    """The bits of a plane, 64 elements a word."""
    words = numbers(plane)
    return [words[e // 64] >> (e % 64) & 1 for e in range(count)]


@st.composite
def views(draw: st.DrawFn, numel: int = 0) -> MaskView:
    """A view of a mask: the whole, transposed, a part of it, or repeated rows."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 27))
    mask = draw(st.integers(1, 50))
    kind = draw(st.sampled_from(["whole", "transposed", "part", "repeated"]))
    if kind == "whole":
        return MaskView.of_all(mask, (rows, columns))
    if kind == "transposed":
        return MaskView(mask, rows * columns, (columns, rows), (1, columns), 0)
    if kind == "part":
        return MaskView(mask, 3 * rows * columns, (rows, columns), (2 * columns, 1), columns)
    return MaskView(mask, columns, (rows, columns), (0, 1), 0)


OPERATIONS = {
    "mul": (MUL, (3, 1, 5), (4, 5)),
    "matmul": (MATMUL, (2, 3, 5), (5, 7)),
    "vector": (MATMUL, (5,), (5, 3)),
    "conv": (conv((2, 1), (1, 0), (1, 2)), (2, 3, 5, 7), (4, 3, 2, 3)),
    "grouped conv": (conv((1,), (2,), (1,), 2), (1, 4, 9), (6, 2, 3)),
    "gradient of the input": (conv_grad_input((2,), (1,), (1,), 1, input_shape=(2, 3, 7)), (2, 4, 4), (4, 3, 3)),
    "gradient of the weight": (conv_grad_weight((2,), (1,), (1,), 1, weight_shape=(4, 3, 3)), (2, 3, 7), (2, 4, 4)),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("parties", [2, 3, 4])
def test_products(name: str, parties: int) -> None:
    op, left, right = OPERATIONS[name]
    x, y = MaskView.of_all(1, left), MaskView.of_all(2, right)
    streams, (total,) = dealt(Product(3, op, x, y), parties)
    assert torch.equal(total, op(whole(streams, x), whole(streams, y)))
    for owner in range(parties):
        streams, (total,) = dealt(OwnedProduct(3, op, x, y, owner, False), parties)
        private = streams[owner].private_mask(2, y.numel).view(right)
        assert torch.equal(total, op(whole(streams, x, without=owner), private))
        streams, (total,) = dealt(OwnedProduct(3, op, x, y, owner, True), parties)
        private = streams[owner].private_mask(1, x.numel).view(left)
        assert torch.equal(total, op(private, whole(streams, y, without=owner)))


@given(views(), Parties)
def test_products_and_squares_of_views(view: MaskView, parties: int) -> None:
    other = MaskView.of_all(99, view.size)
    streams, (total,) = dealt(Product(100, MUL, view, other), parties)
    pairs = zip(numbers(whole(streams, view)), numbers(whole(streams, other)), strict=True)
    assert numbers(total) == [a * b % RING for a, b in pairs]
    streams, (total,) = dealt(Square(100, view), parties)
    assert numbers(total) == [a * a % RING for a in numbers(whole(streams, view))]
    assert total.shape == view.size


@given(views(), st.integers(2, 64), st.data(), Parties)
def test_truncations(view: MaskView, width: int, data: st.DataObject, parties: int) -> None:
    shift = data.draw(st.integers(1 if width == 64 else 0, width - 1))
    streams, totals = dealt(Truncation(100, view, width, shift), parties)
    r = [-a % (1 << width) for a in numbers(whole(streams, view))]
    assert numbers(totals[0]) == [value >> shift for value in r]
    assert numbers(totals[1]) == [value >> (width - 1) for value in r]


@given(views(), st.integers(1, 64), st.booleans(), Parties)
def test_tables(view: MaskView, low: int, top: bool, parties: int) -> None:
    top = top and low < 64
    streams, (planes,) = dealt(Tables(100, view, low, top), parties)
    r = [-a % RING for a in numbers(whole(streams, view))]
    row = start = 0
    for width in chunk_widths(low):
        for v in range((1 << width) - 1):
            assert bits(planes[row], len(r)) == [int((value >> start) % (1 << width) <= v) for value in r]
            row += 1
        start += width
    if top:
        assert bits(planes[row], len(r)) == [value >> low & 1 for value in r]
    assert row + top == planes.shape[0]


@given(st.integers(1, 3), st.integers(1, 3), st.integers(2, 7), st.data(), Parties)
def test_conjunctions(nodes: int, words: int, variables: int, data: st.DataObject, parties: int) -> None:
    sets = st.sets(st.integers(0, variables - 1), min_size=1, max_size=4).map(lambda s: tuple(sorted(s)))
    monomials = ((0, 1), *data.draw(st.lists(sets, max_size=4)))
    request = Conjunctions(100, nodes, words, variables, monomials)
    streams, (products,) = dealt(request, parties)
    masks = functools.reduce(torch.bitwise_xor, (s.bit_mask(100, request.mask_shape) for s in streams))
    for subset, product in zip(subsets(monomials), products, strict=True):
        assert torch.equal(product, functools.reduce(torch.bitwise_and, (masks[v] for v in subset)))
    needed = {s for m in monomials for s in [m[:size] for size in range(2, len(m) + 1)]}
    assert needed <= set(subsets(monomials))


@given(views(), st.integers(0, 18), Parties)
@settings(max_examples=30)
def test_choices(view: MaskView, count: int, parties: int) -> None:
    """Also of more values than a request once had output streams for."""
    masks = tuple(view.renumbered(i + 1) for i in range(count))
    streams, (rho, *products) = dealt(Choice(100, view.count, masks), parties)
    chosen = rho_of(streams, view.count)
    assert numbers(rho) == chosen
    for mask, product in zip(masks, products, strict=True):
        a = numbers(whole(streams, mask))
        assert numbers(product) == [bit * value for bit, value in zip(chosen, a, strict=True)]


@given(views(), st.integers(2, 64), st.data(), Parties)
def test_truncated_choices(view: MaskView, width: int, data: st.DataObject, parties: int) -> None:
    shift = data.draw(st.integers(1 if width == 64 else 0, width - 1))
    streams, totals = dealt(TruncatedChoice(100, view, width, shift), parties)
    chosen = rho_of(streams, view.count)
    r = [-a % (1 << width) for a in numbers(whole(streams, view))]
    shifted, top = [value >> shift for value in r], [value >> (width - 1) for value in r]
    expected = [shifted, chosen, [b * s for b, s in zip(chosen, shifted, strict=True)]]
    expected += [top, [b * t for b, t in zip(chosen, top, strict=True)]]
    assert [numbers(total) for total in totals] == expected


def rho_of(streams: Sequence[Streams], count: int) -> list[int]:
    words = (-(-count // 64),)
    return bits(functools.reduce(torch.bitwise_xor, (s.bit_mask(100, words) for s in streams)), count)


def test_the_bytes_of_a_correction() -> None:
    """64 bits an element and output, 16 for the top bit after a shift of 16, a word a plane for bits."""
    view = MaskView.of_all(1, (10, 13))
    assert correction_bytes(Square(2, view)) == 130 * 8
    assert correction_bytes(Product(2, MATMUL, view, MaskView.of_all(3, (13, 4)))) == 40 * 8
    assert correction_bytes(Truncation(2, view, 64, 16)) == 130 * (8 + 2)
    assert correction_bytes(Truncation(2, view, 49, 17)) == 130 * (8 + 4)
    assert correction_bytes(TruncatedChoice(2, view, 64, 16)) == 130 * (3 * 8 + 2 * 2)
    assert correction_bytes(Choice(2, 130, (view, view))) == 130 * 3 * 8
    assert correction_bytes(Tables(2, view, 62, True)) == (15 * 15 + 3 + 1) * 3 * 8  # 130 elements: 3 words
    monomials = ((0, 3), (0, 1, 4), (0, 1, 2, 5))
    assert correction_bytes(Conjunctions(2, 5, 3, 6, monomials)) == len(subsets(monomials)) * 5 * 3 * 8


def test_a_request_reads_back_from_the_wire() -> None:
    view = MaskView(4, 300, (7, 5), (0, 11), 3)
    every: list[Request] = [
        *(Product(9, op, MaskView.of_all(1, x), MaskView.of_all(2, y)) for op, x, y in OPERATIONS.values()),
        *(
            OwnedProduct(9, op, MaskView.of_all(1, x), MaskView.of_all(2, y), 1, True)
            for op, x, y in OPERATIONS.values()
        ),
        Square(9, view),
        Truncation(9, view, 49, 17),
        Tables(9, view, 62, True),
        Conjunctions(9, 2, 3, 4, ((0, 1), (2, 3, 0))),
        Choice(9, 35, (view, view.renumbered(8))),
        TruncatedChoice(9, view, 64, 16),
    ]
    for request in every:
        assert wire.decode(wire.encode(request)) == request
        assert len(wire.encode(request)) < 600
    assert {type(request) for request in every} | set(elementary()) == set(Request.kinds.values())


def elementary() -> list[type[Request]]:
    """The kinds that have a test of their own."""
    return [kind for kind in Request.kinds.values() if kind.__module__ == "tacit.correlations.elementary"]
