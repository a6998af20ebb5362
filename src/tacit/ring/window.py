"""How the kernel of a convolution slides, and its windows laid out as columns (im2col)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional

from tacit.errors import MisuseError

Shape = tuple[int, ...]
Pair = tuple[torch.Tensor, torch.Tensor]
"""The operands of a product."""

# Columns of as many samples at a time as fit in this many elements (16 MiB): enough for a good matrix product,
# little enough to stay near the cache.
_COLUMN_ELEMENTS = 1 << 21
# The same on an accelerator (256 MiB), which wants large products.
_COLUMN_ELEMENTS_ON_DEVICE = 1 << 25
_MAX_DIMENSIONS = 3


@dataclass(frozen=True)
class Window:
    """How a kernel slides: stride, zero padding and dilation for each spatial dimension, and channel groups."""

    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int

    def __post_init__(self) -> None:
        sizes = {len(self.stride), len(self.padding), len(self.dilation)}
        if len(sizes) != 1 or not 1 <= len(self.stride) <= _MAX_DIMENSIONS:
            raise MisuseError("stride, padding and dilation need one number for each of 1, 2 or 3 spatial dimensions.")
        if min(self.stride) < 1 or min(self.dilation) < 1 or min(self.padding) < 0 or self.groups < 1:
            raise MisuseError(f"stride, dilation and groups must be positive, padding at least zero, got {self}.")

    @property
    def dimensions(self) -> int:
        """How many spatial dimensions there are."""
        return len(self.stride)

    def spatial_output(self, size: Shape, kernel: Shape) -> Shape:
        """How many places the kernel takes along each dimension."""
        return tuple(
            (length + 2 * pad - reach * (taps - 1) - 1) // step + 1
            for length, pad, reach, taps, step in zip(
                size, self.padding, self.dilation, kernel, self.stride, strict=True
            )
        )


def output_shape(x_shape: Shape, w_shape: Shape, window: Window) -> Shape:
    """The shape of ``forward``, or MisuseError if the operands do not fit."""
    expected = window.dimensions + 2
    if len(x_shape) != expected or len(w_shape) != expected:
        raise MisuseError(f"conv takes x and w of {expected} dimensions each, got {list(x_shape)} and {list(w_shape)}.")
    if min(x_shape) < 0 or min(w_shape) < 1:
        raise MisuseError(f"conv: impossible shapes {list(x_shape)} and {list(w_shape)}.")
    if x_shape[1] != w_shape[1] * window.groups or w_shape[0] % window.groups:
        raise MisuseError(f"conv: channels of {list(x_shape)} and {list(w_shape)} do not fit {window.groups} groups.")
    spatial = window.spatial_output(x_shape[2:], w_shape[2:])
    if min(spatial) < 1:
        raise MisuseError(f"conv: the kernel {list(w_shape[2:])} is larger than the padded input {list(x_shape[2:])}.")
    return (x_shape[0], w_shape[0], *spatial)


def columns(x: torch.Tensor, kernel: Shape, window: Window) -> Iterator[tuple[slice, torch.Tensor]]:
    """Slices of the batch with their windows as columns: [G, C/G * K, n * P]."""
    pads = [pad for size in reversed(window.padding) for pad in (size, size)]
    padded = functional.pad(x, pads) if any(pads) else x
    places = window.spatial_output(tuple(x.shape[2:]), kernel)
    rows = x.shape[1] // window.groups * math.prod(kernel)
    for part in batch_parts(x, x.shape[0], rows * window.groups * math.prod(places)):
        sample = padded[part]
        spatial = sample.stride()[2:]
        taps = [step * reach for step, reach in zip(spatial, window.dilation, strict=True)]
        moves = [step * stride for step, stride in zip(spatial, window.stride, strict=True)]
        windows = sample.as_strided(
            (x.shape[1], *kernel, sample.shape[0], *places),
            (sample.stride(1), *taps, sample.stride(0), *moves),
        )
        yield part, windows.reshape(window.groups, rows, -1)


def batch_parts(x: torch.Tensor, samples: int, elements: int) -> Iterator[slice]:
    """Slices of a batch that have about as many columns as are good to have at a time; elements: of one sample."""
    step = max(1, (_COLUMN_ELEMENTS if x.is_cpu else _COLUMN_ELEMENTS_ON_DEVICE) // max(1, elements))
    for start in range(0, samples, step):
        yield slice(start, min(start + step, samples))


def by_group(w: torch.Tensor, window: Window) -> torch.Tensor:
    """w[O, C/groups, *k] -> [G, O/G, C/G * K]."""
    return w.reshape(window.groups, w.shape[0] // window.groups, math.prod(w.shape[1:]))


def convolve(
    bmm: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], x: torch.Tensor, w: torch.Tensor, window: Window
) -> torch.Tensor:
    """x[N, C, *s], w[O, C/groups, *k] -> [N, O, *out], by products of batches of matrices."""
    shape = output_shape(tuple(x.shape), tuple(w.shape), window)
    out = x.new_empty(shape)
    weights = by_group(w, window)
    places = math.prod(shape[2:])
    for part, laid_out in columns(x, tuple(w.shape[2:]), window):
        result = bmm(weights, laid_out)  # [G, O/G, n * P]
        if shape[0] == 1:
            return result.view(shape)
        out[part] = result.view(shape[1], -1, places).transpose(0, 1).reshape(-1, *shape[1:])
    return out
