"""The loss of a class: the logarithm of its probability, chosen by a public or secret number."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.protocols._base import Protocol
from tacit.tensor.positions import places
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_NONE, _MEAN = 0, 1
_Weight = Tensor | None


@rule(aten.nll_loss_forward.default, aten.nll_loss2d_forward.default)
def nll_loss(
    protocol: Protocol, x: Tensor, target: Tensor, weight: _Weight, reduction: int, ignore_index: int
) -> tuple[Any, Tensor]:
    """Free for public classes; for secret ones a product with their one-hot, in one round."""
    chosen, total = _choice(protocol, x, target, weight, ignore_index)
    losses = (x * chosen).sum(_class_dim(x)).neg()
    if reduction == _NONE:
        return losses, total
    return (losses.sum() / total if reduction == _MEAN else losses.sum()), total


@rule(aten.nll_loss_backward.default, aten.nll_loss2d_backward.default)
def nll_loss_backward(
    protocol: Protocol,
    grad: Tensor,
    x: Tensor,
    target: Tensor,
    weight: _Weight,
    reduction: int,
    ignore_index: int,
    total_weight: Tensor,
) -> Any:
    """Free for public classes where the loss was what ``backward`` began with."""
    chosen, total = _choice(protocol, x, target, weight, ignore_index)
    if reduction == _NONE:
        return (chosen * grad.unsqueeze(_class_dim(x))).neg()
    return (chosen * (grad / total if reduction == _MEAN else grad)).neg()


def _choice(protocol: Protocol, x: Tensor, target: Tensor, weight: _Weight, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Each class's weight where it is the target, 0 elsewhere, in the shape of x; and their sum, which is public."""
    dim = _class_dim(x)
    if isinstance(target, Secret):
        if weight is not None:
            raise UnsupportedOpError(
                f"Weights of secret classes (at {caller_line()}) are not built: the sum of the weights is secret too. "
                "Leave the weights out, or multiply the losses of reduction='none' by weights of your own."
            )
        marks = places(protocol, target, x.shape[dim])
        shaped = protocol.linear(lambda part: part.movedim(-1, dim).clone(), marks)
        return Secret(protocol, protocol.with_unit(shaped, 0), torch.int64), torch.tensor(float(target.numel()))
    valid = target != ignore_index
    number = torch.where(valid, target, 0)
    each = valid.double() if weight is None else torch.where(valid, weight.double()[number], 0.0)
    chosen = torch.zeros(x.shape, dtype=torch.float64).scatter_(dim, number.unsqueeze(dim), each.unsqueeze(dim))
    return chosen, each.sum()


def _class_dim(x: Tensor) -> int:
    return 1 if x.dim() > 1 else 0
