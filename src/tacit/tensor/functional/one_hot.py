"""One-hots of secret numbers, whose width must be said."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tacit.caller import caller_line
from tacit.errors import SecretLeakError
from tacit.tensor.caught import caught


@caught(functional.one_hot, torch._C._nn.one_hot)
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """[...] -> [..., num_classes], int64: an equality test each. A number beyond the classes gives zeros."""
    if num_classes < 0:
        raise SecretLeakError(
            f"one_hot at {caller_line()} would disclose the largest number in the shape of its result. Say how many "
            "classes there are: one_hot(x, num_classes=10)."
        )
    return (tensor.unsqueeze(-1) == torch.arange(num_classes)).to(torch.int64)
