"""RMS normalization as one operation: PyTorch takes it apart, and then the variance is truncated too early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tacit.tensor.caught import caught
from tacit.tensor.definitions import whole

aten = torch.ops.aten


class RmsNorm(torch.autograd.Function):
    """``x / sqrt(mean(x**2) + eps) * weight``; the gradient uses what the forward pass normalized."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, shape: Sequence[int], eps: float | None) -> Tensor:
        """The normalized rows, weighted."""
        out, inverse = whole(aten._fused_rms_norm.default, x, shape, weight, eps)
        ctx.save_for_backward(x, inverse, *([] if weight is None else [weight]))
        ctx.shape = shape
        return out  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        """Of x and of the weight."""
        x, inverse, *weight = ctx.saved_tensors
        asked = list(ctx.needs_input_grad[:2])
        found = whole(
            aten._fused_rms_norm_backward.default, grads[0], x, ctx.shape, inverse, weight[0] if weight else None, asked
        )
        return *found, None, None


@caught(functional.rms_norm, torch.rms_norm)
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Error 1e-4 of the result and 2 units; see ``tacit.functions.normalization``. A product for a secret weight."""
    out: Tensor = RmsNorm.apply(input, weight, list(normalized_shape), eps)  # type: ignore[no-untyped-call]
    return out
