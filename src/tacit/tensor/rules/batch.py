"""Batch normalization: with public or secret statistics, or with those of a secret batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule
from tacit.tensor.rules.normalize import kept, normalized, normalized_backward
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
    """Training: as ``native_layer_norm``, over a channel; running statistics take a product more.

    In eval mode: free with public statistics and a public weight, one product with a secret weight, and a root for each
    channel with a secret variance, which ``tacit.secret(net)`` saves by folding.
    """
    if training or mean is None or var is None:
        rows = _by_channel(x)
        value, found, inverse = normalized(protocol, rows, eps)
        if mean is not None and var is not None:
            _update(mean, var, rows, found, momentum)
        out, saved = _from_channels(value, x), (found.view(-1), inverse.view(-1))
        if weight is not None:
            out = out * _along_channels(weight, x)
    else:
        deviation = _deviation(var, eps)
        factor = deviation if weight is None else weight * deviation
        factor, shift = (_along_channels(t, x) for t in (factor, mean * factor))
        out, saved = x * factor - shift, (mean.new_empty(0), mean.new_empty(0))
    if bias is not None:
        out = out + _along_channels(bias, x)
    return out, *saved


@rule(aten.native_batch_norm_backward.default)
def batch_norm_backward(
    protocol: Protocol,
    grad: Tensor,
    x: Tensor,
    weight: Tensor | None,
    mean: Tensor | None,
    var: Tensor | None,
    save_mean: Tensor | None,
    save_invstd: Secret | None,
    training: bool,
    eps: float,
    output_mask: Sequence[bool],
) -> tuple[Tensor | None, ...]:
    """A product for the weight's gradient, and for the input's one, or three after training mode."""
    dims = [d for d in range(x.dim()) if d != 1]
    inner = grad if weight is None else grad * _along_channels(weight, x)
    grad_x: Tensor | None = None
    if (training or mean is None or var is None) and save_invstd is not None:
        count = x.numel() // x.shape[1]
        rows, per_row = kept(protocol, save_invstd, (x.shape[1], count))
        normal = _from_channels(rows, x)
        if output_mask[0]:
            grad_x = _from_channels(normalized_backward(protocol, _by_channel(inner), rows, per_row), x)
    else:
        deviation = _along_channels(_deviation(_given(var), eps), x)
        normal = (x - _along_channels(_given(mean), x)) * deviation
        grad_x = inner * deviation if output_mask[0] else None
    grad_weight = (grad * normal).sum(dims) if output_mask[1] else None
    return grad_x, grad_weight, grad.sum(dims) if output_mask[2] else None


def _update(mean: Tensor, var: Tensor, rows: Tensor, found: Tensor, momentum: float) -> None:
    """The running statistics, in place."""
    count = rows.shape[1]
    spread = ((rows - found) ** 2).sum(1) / max(1, count - 1)
    for running, new in ((mean, found.view(-1)), (var, spread)):
        running.mul_(1 - momentum).add_(new, alpha=momentum)


def _deviation(var: Tensor, eps: float) -> Tensor:
    """One over the standard deviation."""
    return (var + eps).rsqrt() if isinstance(var, Secret) else (var.double() + eps).rsqrt()


def _given(values: Tensor | None) -> Tensor:
    if values is None:
        raise TypeError("batch normalization in eval mode needs statistics")
    return values if isinstance(values, Secret) else values.double()


def _by_channel(x: Tensor) -> Tensor:
    return x.movedim(1, 0).reshape(x.shape[1], -1)


def _from_channels(rows: Tensor, x: Tensor) -> Tensor:
    return rows.view(x.shape[1], x.shape[0], *x.shape[2:]).movedim(0, 1)


def _along_channels(values: Tensor, x: Tensor) -> Tensor:
    return values.view(-1, *(1,) * (x.dim() - 2))
