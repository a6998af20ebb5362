"""Dropout by a public mask, the same at all parties."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tacit.tensor.caught import caught
from tacit.tensor.secret import Secret


@caught(functional.dropout, torch.dropout)
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Free, left pending. Which entries drop is public and says nothing of their values."""
    return _dropped(input, tuple(input.shape), p, training, inplace)


@caught(functional.dropout1d, functional.dropout2d, functional.dropout3d)
def channel_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels drop; free, left pending."""
    return _dropped(input, (*input.shape[:2], *(1,) * (input.dim() - 2)), p, training, inplace)


def _dropped(x: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Tensor:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return x
    kept = torch.rand(shape, generator=_common_generator(x), dtype=torch.float64) >= p
    mask = (kept / (1 - p) if p < 1 else kept).to(x.dtype)
    return x.mul_(mask) if inplace else x * mask


def _common_generator(x: Tensor) -> torch.Generator:
    """Seeded by what all parties have in common: the digest of the session's transcript, which every op changes."""
    digest = x._protocol.channel.transcript.digest if isinstance(x, Secret) else bytes(8)
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))
