"""Batch normalization with public statistics, as in a public network in eval mode: one affine map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_Norm = tuple[Tensor, Tensor, Tensor]


@rule(aten.native_batch_norm.default)
def batch_norm(
    protocol: Protocol,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> _Norm:
    """Free with a public weight, one product with a secret one."""
    mean, deviation = _statistics(mean, var, training, eps)
    factor = deviation if weight is None else weight * deviation
    factor, shift = (_along_channels(t, x) for t in (factor, mean * factor))
    out = x * factor - shift
    if bias is not None:
        out = out + _along_channels(bias, x)
    return out, mean.new_empty(0), mean.new_empty(0)


@rule(aten.native_batch_norm_backward.default)
def batch_norm_backward(
    protocol: Protocol,
    grad: Tensor,
    x: Tensor,
    weight: Tensor | None,
    mean: Tensor | None,
    var: Tensor | None,
    save_mean: Tensor | None,
    save_invstd: Tensor | None,
    training: bool,
    eps: float,
    output_mask: Sequence[bool],
) -> tuple[Tensor | None, ...]:
    """A product for the weight's gradient, and one for the input's if the weight is secret."""
    mean, deviation = _statistics(mean, var, training, eps)
    dims = [d for d in range(x.dim()) if d != 1]
    grad_x = grad_weight = grad_bias = None
    if output_mask[0]:
        grad_x = grad * _along_channels(deviation if weight is None else weight * deviation, x)
    if output_mask[1]:
        normalized = (x - _along_channels(mean, x)) * _along_channels(deviation, x)
        grad_weight = (grad * normalized).sum(dims)
    if output_mask[2]:
        grad_bias = grad.sum(dims)
    return grad_x, grad_weight, grad_bias


def _statistics(mean: Tensor | None, var: Tensor | None, training: bool, eps: float) -> tuple[Tensor, Tensor]:
    """The mean and one over the standard deviation."""
    if training or mean is None or var is None or isinstance(mean, Secret) or isinstance(var, Secret):
        raise UnsupportedOpError(
            f"Batch normalization with secret statistics (at {caller_line()}) is not built yet: call net.eval() before "
            "tacit.secret(net), which folds the statistics into the layer before it."
        )
    return mean.double(), (var.double() + eps).rsqrt()


def _along_channels(values: Tensor, x: Tensor) -> Tensor:
    return values.view(-1, *(1,) * (x.dim() - 2))
