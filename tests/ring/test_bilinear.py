"""Bilinear maps: exact in the ring, with torch's shapes, and safe to read from a peer."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from tacit.errors import MisuseError
from tacit.ring import bilinear
from tacit.ring import window as windows
from tacit.ring.bilinear import MATMUL, MUL, Bilinear
from tacit.ring.prg import Prg
from tacit.ring.window import Window

CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[tuple, tuple[int, ...], tuple[int, ...]]:
    """(stride, padding, dilation, groups), the shape of x, the shape of w."""
    dimensions, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(dimensions))

    size, kernel, window = each(5, 8), each(1, 3), (each(1, 3), each(0, 2), each(1, 2), groups)
    channels = groups * draw(st.integers(1, 2))
    x_shape = (draw(st.integers(0, 3)), channels, *size)
    return window, x_shape, (groups * draw(st.integers(1, 2)), channels // groups, *kernel)


def draw_words(seed: int, *shape: int) -> torch.Tensor:
    return Prg(b"tests of tacit's").words(seed, torch.Size(shape).numel()).view(shape)


def direct(x: torch.Tensor, w: torch.Tensor, window: tuple) -> torch.Tensor:
    """Convolution by its definition, in int64, one tap after the other."""
    stride, padding, dilation, groups = window
    padded = functional.pad(x, [pad for size in reversed(padding) for pad in (size, size)])
    places = Window(*window).spatial_output(tuple(x.shape[2:]), tuple(w.shape[2:]))
    out = torch.zeros(x.shape[0], w.shape[0], *places, dtype=torch.int64)
    for tap in torch.cartesian_prod(*(torch.arange(k) for k in w.shape[2:])).reshape(-1, len(stride)).tolist():
        index = tuple(
            slice(t * d, t * d + (p - 1) * s + 1, s) for t, d, p, s in zip(tap, dilation, places, stride, strict=True)
        )
        for o in range(w.shape[0]):
            first = o // (w.shape[0] // groups) * w.shape[1]
            for c in range(w.shape[1]):
                out[:, o] += padded[(slice(None), first + c, *index)] * w[(o, c, *tap)]
    return out


@settings(max_examples=60)
@given(convolutions(), st.integers(0, 2**32))
def test_convolution_is_exact_on_full_range_words(case: tuple, seed: int) -> None:
    window, x_shape, w_shape = case
    x, w = draw_words(seed, *x_shape), draw_words(seed + 1, *w_shape)
    f = bilinear.conv(*window)
    result = f(x, w)
    assert result.shape == f.output_shape(x_shape, w_shape)
    assert torch.equal(result, direct(x, w, window))


@settings(max_examples=60)
@given(convolutions(), st.integers(0, 2**32))
def test_convolution_and_gradients_agree_with_torch(case: tuple, seed: int) -> None:
    window, x_shape, w_shape = case
    x, w = draw_words(seed, *x_shape) >> 50, draw_words(seed + 1, *w_shape) >> 50  # small enough for float64
    x_real, w_real = x.double().requires_grad_(), w.double().requires_grad_()
    stride, padding, dilation, groups = window
    expected = CONVOLUTIONS[len(stride)](x_real, w_real, None, stride, padding, dilation, groups)
    assert torch.equal(bilinear.conv(*window)(x, w), expected.long())
    g = draw_words(seed + 2, *expected.shape) >> 50
    expected.backward(g.double())
    assert x_real.grad is not None
    assert w_real.grad is not None
    for_input, for_weight = bilinear.conv_grad_input(*window, x_shape), bilinear.conv_grad_weight(*window, w_shape)
    assert torch.equal(for_input(g, w), x_real.grad.long())
    assert torch.equal(for_weight(x, g), w_real.grad.long())
    assert for_input.output_shape(tuple(g.shape), w_shape) == x_shape
    assert for_weight.output_shape(x_shape, tuple(g.shape)) == w_shape


def test_batches_are_cut_into_parts(monkeypatch: pytest.MonkeyPatch, words) -> None:
    window, x, w = ((1, 2), (1, 0), (1, 1), 2), words(7, 4, 6, 7), words(6, 2, 3, 3)
    f, g = bilinear.conv(*window), words(7, 6, 6, 3)
    maps = [(f, x, w), (bilinear.conv_grad_input(*window, tuple(x.shape)), g, w)]
    maps.append((bilinear.conv_grad_weight(*window, tuple(w.shape)), x, g))
    whole = [one(left, right) for one, left, right in maps]
    monkeypatch.setattr(windows, "_COLUMN_ELEMENTS", 2 * 36 * 18)
    for (one, left, right), expected in zip(maps, whole, strict=True):
        assert torch.equal(one(left, right), expected)


def test_all_maps_are_linear_in_both_operands(words) -> None:
    window = ((2,), (1,), (1,), 1)
    cases = [
        (MUL, (3, 4), (4,)), (MATMUL, (2, 3, 4), (4, 5)), (bilinear.conv(*window), (2, 3, 9), (4, 3, 3)),
        (bilinear.conv_grad_input(*window, (2, 3, 9)), (2, 4, 5), (4, 3, 3)),
        (bilinear.conv_grad_weight(*window, (4, 3, 3)), (2, 3, 9), (2, 4, 5)),
    ]  # fmt: skip
    for f, x_shape, y_shape in cases:
        x, a, y, b = words(*x_shape), words(*x_shape), words(*y_shape), words(*y_shape)
        assert torch.equal(f(x + a, y + b), f(x, y) + f(a, y) + f(x, b) + f(a, b))


def test_strided_operands(words) -> None:
    x, w = words(3, 9, 8, 2).permute(0, 3, 1, 2), words(3, 3, 2, 4).permute(3, 2, 0, 1)
    window = ((1, 1), (1, 1), (1, 1), 1)
    assert torch.equal(bilinear.conv(*window)(x, w), direct(x, w, window))


def test_json_round_trip_and_hash() -> None:
    maps = [
        MUL, MATMUL, bilinear.conv((1,), (0,), (1,)), bilinear.conv((2, 1), (0, 3), (1, 2), 4),
        bilinear.conv_grad_input((1, 1), (0, 0), (1, 1), 1, (2, 3, 8, 8)),
        bilinear.conv_grad_weight((1, 1), (0, 0), (1, 1), 1, (4, 3, 3, 3)),
    ]  # fmt: skip
    assert len(set(maps)) == len(maps)
    for one in maps:
        assert Bilinear.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize(
    "value",
    [
        None, [], "mul", {"name": "mul"}, {"name": "eval", "params": {}}, {"name": "mul", "params": {"stride": [1]}},
        {"name": ["mul"], "params": {}}, {"name": "mul", "params": {}, "more": 1},
        {"name": "conv", "params": {"stride": [1], "padding": [0], "dilation": [1]}},
        {"name": "conv", "params": {"stride": [0], "padding": [0], "dilation": [1], "groups": [1]}},
        {"name": "conv", "params": {"stride": [1], "padding": [-1], "dilation": [1], "groups": [1]}},
        {"name": "conv", "params": {"stride": [1.5], "padding": [0], "dilation": [1], "groups": [1]}},
        {"name": "conv", "params": {"stride": [True], "padding": [0], "dilation": [1], "groups": [1]}},
        {"name": "conv", "params": {"stride": 1, "padding": [0], "dilation": [1], "groups": [1]}},
        {"name": "conv", "params": {"stride": [1] * 4, "padding": [0] * 4, "dilation": [1] * 4, "groups": [1]}},
        {"name": "conv", "params": {"stride": [1, 1], "padding": [0], "dilation": [1], "groups": [1]}},
        {"name": "conv", "params": {"stride": [1], "padding": [0], "dilation": [1], "groups": []}},
    ],
)  # fmt: skip
def test_what_a_peer_sends_is_checked(value: object) -> None:
    with pytest.raises(MisuseError):
        Bilinear.from_json(value)


@pytest.mark.parametrize(
    ("f", "x", "y"),
    [
        (MUL, (3,), (4,)), (MATMUL, (3, 4), (3, 4)), (bilinear.conv((1,), (0,), (1,)), (1, 3, 9), (4, 2, 3)),
        (bilinear.conv((1,), (0,), (1,)), (1, 3, 2), (4, 3, 3)), (bilinear.conv((1,), (0,), (1,)), (3, 9), (4, 3, 3)),
        (bilinear.conv((1,), (0,), (1,), 2), (1, 4, 9), (3, 2, 3)),
        (bilinear.conv((1,), (0,), (1,)), (1, 3, 9), (4, 3, 0)),
        (bilinear.conv_grad_input((1,), (0,), (1,), 1, (1, 3, 9)), (1, 4, 8), (4, 3, 3)),
        (bilinear.conv_grad_weight((1,), (0,), (1,), 1, (4, 3, 3)), (1, 3, 9), (1, 4, 8)),
        (bilinear.conv_grad_input((1,), (0,), (1,), 1, (1, 3)), (1, 4, 8), (4, 3, 3)),
    ],
    ids=str,
)  # fmt: skip
def test_shapes_that_do_not_fit_are_refused(f: Bilinear, x: tuple[int, ...], y: tuple[int, ...]) -> None:
    with pytest.raises(MisuseError):
        f.output_shape(x, y)
