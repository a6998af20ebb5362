"""The images: scikit-learn's handwritten digits, 8 by 8 pixels, and who holds which of them."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.errors import MisuseError

HELD_OUT = 360
_SEED = 20


def training_digits() -> tuple[Tensor, Tensor]:
    """What the lab trains on: 1437 images float32[N, 1, 8, 8] in [0, 1] and their labels int64[N]."""
    images, labels = _shuffled()
    return images[:-HELD_OUT], labels[:-HELD_OUT]


def held_out_digits() -> tuple[Tensor, Tensor]:
    """What the clinic holds: 360 images float32[N, 1, 8, 8] that the lab never saw, and their labels int64[N]."""
    images, labels = _shuffled()
    return images[-HELD_OUT:], labels[-HELD_OUT:]


def _shuffled() -> tuple[Tensor, Tensor]:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MisuseError('the demo needs scikit-learn for its images: pip install "tacit[demo]".') from None
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(_SEED))
    images = torch.from_numpy(digits.images).to(torch.float32).unsqueeze(1) / 16
    return images[order], torch.from_numpy(digits.target).to(torch.int64)[order]
