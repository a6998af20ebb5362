"""Large values, a block after the other: what the source deals at a time stays small, however large the value.

The opening is one for all blocks; what follows it takes its rounds for each block. Only values above the limit are cut,
for which a round is little beside the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import opened
from tacit.protocols.share import Share, flat

LIMIT = 96 << 20
"""Bytes that a source deals at a time at most, about: more elements are cut into blocks."""

LEAST = 64
"""Blocks have a multiple of so many elements, so that the words of planes are full."""


def in_blocks(
    context: Context, x: Share, width: int, nbytes: int, run: Callable[[Share], Sequence[Tensor]]
) -> list[Tensor]:
    """The results of ``run``, each an element for an element of x and in its shape, made from blocks of x.

    width: bits of the opening that ``run`` works on. nbytes: what ``run`` asks of the source for an element, about. A
    part of a storage, which would be opened block by block, is left whole.
    """
    size = block_size(nbytes)
    if x.numel <= size or x.numel != x.storage_numel:
        return [result.view(x.shape) for result in run(x)]
    opened(context, x, width)
    pieces = [run(x.view(lambda part, at=at: flat(part)[at : at + size])) for at in range(0, x.numel, size)]  # type: ignore[misc]
    shape, stride, _ = x.geometry
    return [
        torch.cat([r.reshape(-1) for r in column]).as_strided(shape, stride).contiguous()
        for column in zip(*pieces, strict=True)
    ]


def block_size(nbytes: int) -> int:
    """The elements of a block, if each takes so many bytes."""
    return max(LEAST, LIMIT // max(1, nbytes) // LEAST * LEAST)
