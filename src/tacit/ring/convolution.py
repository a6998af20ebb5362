"""Convolutions in the ring, and their gradients as products with windows laid out as columns."""

from __future__ import annotations

import itertools
import math

import torch

from tacit.errors import MisuseError
from tacit.ring import kernels
from tacit.ring.window import Pair, Shape, Window, batch_parts, by_group, columns, output_shape


def check_gradient(g_shape: Shape, expected: Shape) -> None:
    """Raise MisuseError unless a gradient has the shape of the convolution's result."""
    if g_shape != expected:
        raise MisuseError(f"conv: the gradient has shape {list(g_shape)}, the result {list(expected)}.")


def forward(x: torch.Tensor, w: torch.Tensor, window: Window, plus: Pair | None = None) -> torch.Tensor:
    """x[N, C, *s], w[O, C/groups, *k] -> [N, O, *out]; with ``plus`` the sum of two convolutions of these shapes."""
    output_shape(tuple(x.shape), tuple(w.shape), window)
    return kernels.convolve(x, w, window, plus)


def grad_weight(x: torch.Tensor, g: torch.Tensor, window: Window, weight_shape: Shape) -> torch.Tensor:
    """x, g[N, O, *out] -> the gradient for w: [O, C/groups, *k]."""
    total = x.new_zeros(window.groups, weight_shape[0] // window.groups, math.prod(weight_shape[1:]))
    for part, laid_out in columns(x, weight_shape[2:], window):
        total += kernels.bmm(_gradient_rows(g[part], window), laid_out.transpose(1, 2))
    return total.view(weight_shape)


def grad_input(g: torch.Tensor, w: torch.Tensor, window: Window, input_shape: Shape) -> torch.Tensor:
    """g[N, O, *out], w -> the gradient for x: [N, C, *s]."""
    kernel, places = tuple(w.shape[2:]), tuple(g.shape[2:])
    padded = [length + 2 * pad for length, pad in zip(input_shape[2:], window.padding, strict=True)]
    out = g.new_zeros(*input_shape[:2], *padded)
    weights = by_group(w, window).transpose(1, 2)  # [G, C/G * K, O/G]
    for part in batch_parts(g, input_shape[0], math.prod(w.shape[1:]) * window.groups * math.prod(places)):
        product = kernels.bmm(weights, _gradient_rows(g[part], window))
        taps = product.view(input_shape[1], *kernel, -1, *places).movedim(-1 - len(places), 0)
        for offset in itertools.product(*(range(length) for length in kernel)):
            tap: tuple[slice | int, ...] = (slice(None), slice(None), *offset)
            out[part][_strided(offset, places, window)] += taps[tap]
    crop = (slice(pad, pad + size) for pad, size in zip(window.padding, input_shape[2:], strict=True))
    return out[(slice(None), slice(None), *crop)].contiguous()


def _gradient_rows(g: torch.Tensor, window: Window) -> torch.Tensor:
    """g[n, O, *out] -> [G, O/G, n * P], the order of ``columns``."""
    return g.transpose(0, 1).reshape(window.groups, g.shape[1] // window.groups, g.shape[0] * math.prod(g.shape[2:]))


def _strided(offset: Shape, places: Shape, window: Window) -> tuple[slice, ...]:
    """The padded input positions that the kernel's tap ``offset`` meets."""
    spatial = (
        slice(tap * reach, tap * reach + (count - 1) * step + 1, step)
        for tap, reach, count, step in zip(offset, window.dilation, places, window.stride, strict=True)
    )
    return (slice(None), slice(None), *spatial)
