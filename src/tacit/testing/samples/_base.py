"""What a sample is: a function of tensors that must give on secrets what PyTorch gives on plain ones."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

FRACTION = 2**-8
"""Samples are multiples of this: fixed point holds them exactly, so that only the operation's own error shows."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A function and its inputs.

    public: the inputs that may also be plain tensors, one at a time. gradient: whether gradients are compared too.
    strides: whether they must be PyTorch's; otherwise they need only be the same at all parties.
    units: the absolute error allowed, in units of ``2**-frac_bits``; besides, a relative error of ``relative`` units.
    """

    name: str
    function: Callable[..., Any]
    inputs: tuple[Tensor, ...]
    public: tuple[int, ...]
    gradient: bool
    units: float
    relative: float
    strides: bool = True

    def __str__(self) -> str:
        return self.name


def sample(
    name: str,
    function: Callable[..., Any],
    *inputs: Tensor,
    public: Sequence[int] | None = None,
    gradient: bool = True,
    units: float = 2,
    relative: float = 1,
    strides: bool = True,
) -> Sample:
    """A sample; by default each input may be public if there are several."""
    if public is None:
        public = range(len(inputs)) if len(inputs) > 1 else ()
    return Sample(name, function, inputs, tuple(public), gradient, units, relative, strides)


def real(*shape: int, low: float = -4, high: float = 4) -> Tensor:
    """Real numbers that look random and are the same in every run and at every party."""
    count = int(torch.Size(shape).numel())
    seed = zlib.crc32(f"{shape} {low} {high} {next(_drawn)}".encode())
    uniform = torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (torch.round((low + (high - low) * uniform) / FRACTION) * FRACTION).to(torch.float32).view(shape)


def whole(*shape: int, low: int = -5, high: int = 5) -> Tensor:
    """Whole numbers, int64, low <= x < high."""
    return torch.floor(real(*shape, low=low, high=high)).to(torch.int64).clamp(low, high - 1)


def bits(*shape: int) -> Tensor:
    """Bits."""
    return real(*shape) > 0


def numbers(*values: float) -> Tensor:
    """These numbers, in float64 so that large ones are exact."""
    return torch.tensor(values, dtype=torch.float64)


_drawn = itertools.count()
