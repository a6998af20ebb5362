"""Division by a secret with one more division for both its gradients; PyTorch's own formula takes three."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.tensor.caught import caught

aten = torch.ops.aten


class Quotient(torch.autograd.Function):
    """``x / y`` whose gradients share ``grad / y``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        """The quotient, kept for the gradient of y."""
        out: Tensor = aten.div.Tensor(x, y)
        ctx.save_for_backward(y, out)
        ctx.shapes = x.shape, y.shape
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """``grad / y``, and ``-(grad / y) * (x / y)``."""
        y, out = ctx.saved_tensors
        part: Tensor = aten.div.Tensor(grads[0], y)
        first, second = ctx.shapes
        grad_x = part.sum_to_size(first) if ctx.needs_input_grad[0] else None
        grad_y = (-part * out).sum_to_size(second) if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


@caught(torch.div, torch.true_divide, torch.divide, Tensor.div, Tensor.true_divide, Tensor.divide, Tensor.__truediv__)
def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: None = None) -> Tensor:
    """Free by a public number; see ``tacit.functions.reciprocal.divide`` for a secret one."""
    if out is not None:
        raise UnsupportedOpError(f"Division with out= at {caller_line()} is not built for secrets: x.copy_(y / z).")
    if rounding_mode is not None:
        rounded = aten.div.Tensor_mode if isinstance(other, Tensor) else aten.div.Scalar_mode
        return rounded(input, other, rounding_mode=rounding_mode)  # type: ignore[no-any-return]
    if isinstance(other, Tensor) and other.requires_grad and torch.is_grad_enabled():
        quotient: Tensor = Quotient.apply(_tensor(input, other), other)  # type: ignore[no-untyped-call]
        return quotient
    direct: Tensor = aten.div.Tensor(input, other) if isinstance(other, Tensor) else aten.div.Scalar(input, other)
    return direct


@caught(Tensor.__rtruediv__)
def rtruediv(input: Tensor, other: Any) -> Tensor:
    """A number over a secret, as one division: a small reciprocal times a large number would lose its digits."""
    return input.reciprocal() if isinstance(other, int | float) and other == 1 else div(_tensor(other, input), input)


def _tensor(x: Any, like: Tensor) -> Tensor:
    return x if isinstance(x, Tensor) else torch.full((), x, dtype=like.dtype)
