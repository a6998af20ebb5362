"""Sampling of images at points of a grid, as the operations that PyTorch composes it of: autograd follows those."""

from __future__ import annotations

import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch.nn import functional

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.tensor.caught import caught

_MODES, _PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")


@caught(functional.grid_sample)
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """Free for a public grid, but for the truncation; at secret points a one-hot of the image for each.

    Images of two dimensions; of three: UnsupportedOpError.
    """
    if input.dim() != 4:
        raise UnsupportedOpError(f"grid_sample at {caller_line()} is built for images of two dimensions.")
    compose = decomposition_table[torch.ops.aten.grid_sampler_2d.default]
    options = _MODES.index(mode), _PADDINGS.index(padding_mode), bool(align_corners)
    return compose(input, grid, *options)  # type: ignore[no-any-return]
