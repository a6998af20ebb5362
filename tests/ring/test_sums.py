"""Sums of two products in one pass, and convolutions, of every kernel against Python integers."""

from __future__ import annotations

import itertools

import numpy
import pytest
import torch
from torch.nn import functional

from tacit.errors import MisuseError
from tacit.ring import bilinear
from tacit.ring.bilinear import MATMUL, MUL
from tacit.ring.kernels import Kernels
from tacit.ring.window import Window
from tacit.runtime.cores import computing_with


def wrapped(value: numpy.ndarray) -> torch.Tensor:
    """Python integers modulo 2^64 as signed words."""
    return torch.from_numpy(((value + 2**63) % 2**64 - 2**63).astype(numpy.int64))


def exact(a: torch.Tensor, b: torch.Tensor) -> numpy.ndarray:
    return numpy.matmul(a.numpy().astype(object), b.numpy().astype(object))


def exact_convolution(x: torch.Tensor, w: torch.Tensor, window: Window) -> numpy.ndarray:
    """By its definition, one tap after the other."""
    wide = functional.pad(x, [pad for size in reversed(window.padding) for pad in (size, size)])
    padded, right = wide.numpy().astype(object), w.numpy().astype(object)
    places = window.spatial_output(tuple(x.shape[2:]), tuple(w.shape[2:]))
    out = numpy.zeros((x.shape[0], w.shape[0], *places), dtype=object)
    for tap in itertools.product(*(range(size) for size in w.shape[2:])):
        index = tuple(
            slice(t * d, t * d + (p - 1) * s + 1, s)
            for t, d, p, s in zip(tap, window.dilation, places, window.stride, strict=True)
        )
        for o in range(w.shape[0]):
            first = o // (w.shape[0] // window.groups) * w.shape[1]
            for c in range(w.shape[1]):
                out[:, o] += padded[(slice(None), first + c, *index)] * right[(o, c, *tap)]
    return out


SHAPES = [(1, 40, 7), (3, 19, 16), (8, 16, 33), (16, 193, 5), (17, 30, 40), (97, 195, 18), (40, 9, 1), (5, 0, 6)]
"""One row, few rows, many rows, a column, nothing to add up; across tiles and blocks."""


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_sum_of_two_products_is_exact_for_any_layout(target: Kernels, words, shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    a, b, c, d = words(rows, inner), words(inner, columns), words(rows, inner), words(inner, columns)
    expected = wrapped(exact(a, b) + exact(c, d))
    turned = [z.t().contiguous().t() for z in (a, b, c, d)]
    for left, right in ((b, d), (turned[1], turned[3]), (b, turned[3]), (turned[1], d)):
        assert torch.equal(target.matmul(a, left, (c, right)), expected)
        assert torch.equal(target.matmul(turned[0], left, (c, right)), expected)


def test_sums_over_batches(target: Kernels, words) -> None:
    a, b, c, d = words(3, 7, 20), words(3, 20, 9), words(3, 7, 20), words(20, 9)
    expected = torch.stack([wrapped(exact(a[i], b[i]) + exact(c[i], d)) for i in range(3)])
    assert torch.equal(target.bmm(a, b, (c, d.expand(3, 20, 9))), expected)
    with pytest.raises((ValueError, RuntimeError)):
        target.bmm(a, b, (c, d.expand(2, 20, 9)))


CONVOLUTIONS = [
    # x, w, stride, padding, dilation, groups
    ((1, 3, 20, 23), (13, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((5, 4, 7, 7), (6, 4, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # panels of columns reach over several samples
    ((2, 3, 17, 19), (4, 3, 5, 4), (2, 3), (2, 1), (1, 2), 1),
    ((2, 6, 20, 40), (6, 1, 3, 3), (1, 1), (1, 1), (1, 1), 6),  # depthwise
    ((2, 5, 13, 21), (10, 1, 3, 3), (2, 2), (1, 1), (1, 1), 5),
    ((3, 4, 9, 9), (4, 1, 1, 1), (1, 1), (0, 0), (1, 1), 4),
    ((3, 4, 9, 9), (4, 1, 1, 1), (2, 2), (0, 0), (1, 1), 4),
    ((2, 6, 9, 9), (10, 3, 2, 2), (3, 1), (3, 4), (2, 1), 2),
    ((2, 20, 6, 6), (30, 20, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((2, 20, 6, 6), (30, 20, 1, 1), (2, 3), (1, 0), (1, 1), 1),
    ((2, 3, 50), (5, 3, 7), (3,), (4,), (2,), 1),
    ((1, 2, 1600), (4, 1, 4), (1,), (0,), (1,), 2),
    ((2, 2, 5, 6, 7), (4, 2, 2, 3, 3), (1, 2, 1), (1, 0, 2), (2, 1, 1), 1),
    ((2, 3, 1, 1), (4, 3, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((0, 3, 5, 5), (4, 3, 3, 3), (1, 1), (0, 0), (1, 1), 1),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolutions_are_exact_for_any_layout(target: Kernels, words, case: tuple) -> None:
    x_shape, w_shape, *params = case
    window, x, w, y, v = Window(*params), words(*x_shape), words(*w_shape), words(*x_shape), words(*w_shape)
    one, other = exact_convolution(x, w, window), exact_convolution(y, v, window)
    channels_last = x.movedim(1, -1).contiguous().movedim(-1, 1)
    thinned = words(*x_shape[:-1], 2 * x_shape[-1])[..., ::2]
    thinned.copy_(x)
    for left in (x, channels_last, thinned):
        assert torch.equal(target.convolve(left, w, window), wrapped(one))
        assert torch.equal(target.convolve(left, w.transpose(0, 1).contiguous().transpose(0, 1), window), wrapped(one))
        assert torch.equal(target.convolve(left, w, window, (y, v)), wrapped(one + other))
    assert torch.equal(target.convolve(y, v, window, (channels_last, w)), wrapped(one + other))
    expanded = x[:1].expand(x_shape)
    assert torch.equal(target.convolve(expanded, w, window), wrapped(exact_convolution(expanded, w, window)))


@pytest.mark.slow  # large, or the threads would leave it to one of them
@pytest.mark.usefixtures("three_threads")
def test_threads_share_a_convolution(target: Kernels, words) -> None:
    for groups in (1, 5):
        window = Window((1, 1), (1, 1), (1, 1), groups)
        x, w = words(3, 10, 40, 40), words(20, 10 // groups, 3, 3)
        assert torch.equal(target.convolve(x, w, window), wrapped(exact_convolution(x, w, window)))


def test_every_map_adds_up_two_products(words) -> None:
    window = ((2,), (1,), (1,), 1)
    cases = [
        (MUL, (3, 4), (4,)), (MATMUL, (2, 3, 4), (4, 5)), (MATMUL, (2, 1, 3, 4), (5, 4, 6)), (MATMUL, (4,), (4,)),
        (bilinear.conv(*window), (2, 3, 9), (4, 3, 3)),
        (bilinear.conv_grad_input(*window, (2, 3, 9)), (2, 4, 5), (4, 3, 3)),
        (bilinear.conv_grad_weight(*window, (4, 3, 3)), (2, 3, 9), (2, 4, 5)),
    ]  # fmt: skip
    for f, x_shape, y_shape in cases:
        x, a, y, b = words(*x_shape), words(*x_shape), words(*y_shape), words(*y_shape)
        kept = [z.clone() for z in (x, y, a, b)]
        assert torch.equal(f.sum_of(x, y, a, b), f(x, y) + f(a, b))
        assert all(torch.equal(now, before) for now, before in zip((x, y, a, b), kept, strict=True))
        with pytest.raises(MisuseError, match="same shapes"):
            f.sum_of(x, y, a.unsqueeze(0), b)


def test_threads_change_no_word(target: Kernels, words) -> None:
    window = Window((2, 1), (1, 0), (1, 1), 2)
    a, b, x, w = words(3, 90, 200), words(3, 200, 70), words(3, 4, 40, 41), words(26, 2, 3, 3)
    results = []
    for threads in (1, 2, 3, 7):
        with computing_with(threads):
            results.append((target.bmm(a, b), target.bmm(a, b, (a + 1, b)), target.convolve(x, w, window, (x, w))))
    for found in results[1:]:
        assert all(torch.equal(one, other) for one, other in zip(results[0], found, strict=True))
