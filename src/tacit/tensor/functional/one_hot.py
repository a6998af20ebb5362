"""One-hots of secret numbers, whose width must be said."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tacit.caller import caller_line
from tacit.errors import SecretLeakError
from tacit.tensor.caught import caught
from tacit.tensor.definitions import whole


@caught(functional.one_hot, torch._C._nn.one_hot)
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """[...] -> [..., num_classes], int64; see ``tacit.tensor.rules.embedding.one_hot``."""
    if num_classes < 0:
        raise SecretLeakError(
            f"one_hot at {caller_line()} would disclose the largest number in the shape of its result. Say how many "
            "classes there are: one_hot(x, num_classes=10)."
        )
    out: Tensor = whole(torch.ops.aten.one_hot.default, tensor, num_classes)
    return out
