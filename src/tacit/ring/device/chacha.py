"""ChaCha20 on an accelerator: the fastest implementation that is installed."""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import Tensor

from tacit.ring.device import chacha_torch

Fill = Callable[[Tensor, int, Tensor], None]


@functools.cache
def fastest() -> Fill:
    """``fill`` by Triton, or if that is not installed, by torch operations."""
    try:
        from tacit.ring.device import chacha_triton
    except ImportError:
        return chacha_torch.fill
    return chacha_triton.fill
