"""Max-pooling in three dimensions and over regions that adapt: the largest entry of each public set of places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tacit.tensor.caught import caught

Sizes = int | Sequence[int | None]


def _all(value: Sizes, dims: int) -> list[Any]:
    return [value] * dims if isinstance(value, int) else list(value) * (dims if len(value) == 1 else 1)


def _strided(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> Tensor:
    """Places along one dimension: [windows, taps]; in the padding a place of the same window that is not."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-span // stride) if ceil_mode else span // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    places = torch.arange(count)[:, None] * stride - padding + torch.arange(kernel) * dilation
    return _filled(places, (places >= 0) & (places < size))


def _regions(size: int, wanted: int) -> Tensor:
    begins = torch.arange(wanted) * size // wanted
    ends = -(-(torch.arange(1, wanted + 1) * size) // wanted)
    places = begins[:, None] + torch.arange(int((ends - begins).max()) if wanted else 0)
    return _filled(places, places < ends[:, None])


def _filled(places: Tensor, inside: Tensor) -> Tensor:
    if bool(inside.all()):
        return places
    first = inside.to(torch.int64).argmax(1, keepdim=True)
    return torch.where(inside, places, places.gather(1, first))


def _pooled(x: Tensor, along: Sequence[Tensor], return_indices: bool) -> Any:
    """The largest entry of each window by a tournament and, if asked for, where it stands in the flat image."""
    dims = len(along)
    flat = torch.zeros(1, 1, dtype=torch.int64)
    for size, places in zip(x.shape[-dims:], along, strict=True):
        windows, taps = flat.shape[0] * places.shape[0], flat.shape[1] * places.shape[1]
        flat = (flat[:, None, :, None] * size + places[None, :, None, :]).reshape(windows, taps)
    best, which = x.flatten(-dims)[..., flat].max(-1)
    shape = (*x.shape[:-dims], *(places.shape[0] for places in along))
    if not return_indices:
        return best.view(shape)
    return best.view(shape), (functional.one_hot(which, flat.shape[-1]) * flat).sum(-1).view(shape)


@caught(torch.max_pool3d, functional.max_pool3d, functional.max_pool3d_with_indices)
def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """A tournament in each window: four rounds and 98 bits a match for each doubling of its size."""
    taps = _all(kernel_size, 3)
    steps = _all(stride, 3) if stride else taps
    each = zip(input.shape[-3:], taps, steps, _all(padding, 3), _all(dilation, 3), strict=True)
    return _pooled(input, [_strided(*one, ceil_mode) for one in each], return_indices)


def _adaptive(input: Tensor, output_size: Sizes, return_indices: bool, dims: int) -> Any:
    sizes = input.shape[-dims:]
    wanted = [n if m is None else m for n, m in zip(sizes, _all(output_size, dims), strict=True)]
    return _pooled(input, [_regions(n, m) for n, m in zip(sizes, wanted, strict=True)], return_indices)


@caught(functional.adaptive_max_pool1d, functional.adaptive_max_pool1d_with_indices, torch.adaptive_max_pool1d)
def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """A tournament in each region."""
    return _adaptive(input, output_size, return_indices, 1)


@caught(functional.adaptive_max_pool2d, functional.adaptive_max_pool2d_with_indices)
def adaptive_max_pool2d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """A tournament in each region."""
    return _adaptive(input, output_size, return_indices, 2)


@caught(functional.adaptive_max_pool3d, functional.adaptive_max_pool3d_with_indices)
def adaptive_max_pool3d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """A tournament in each region."""
    return _adaptive(input, output_size, return_indices, 3)
