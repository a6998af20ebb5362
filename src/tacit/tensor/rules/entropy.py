"""Binary cross entropy, of probabilities and of logits, and the logits of probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.functions.reciprocal import reciprocal
from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_NONE, _MEAN = 0, 1


@rule(aten.binary_cross_entropy.default)
def binary_cross_entropy(
    protocol: Protocol, x: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = _MEAN
) -> Tensor:
    """Two logarithms at once and a product. 0 counts as half a unit: no loss exceeds 11.8 (with 16 fraction bits)."""
    logs = torch.stack((x, 1 - x)).log()
    return _reduced(-(target * logs[0] + (1 - target) * logs[1]), weight, reduction)


@rule(aten.binary_cross_entropy_backward.default)
def binary_cross_entropy_backward(
    protocol: Protocol,
    grad: Tensor,
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: int = _MEAN,
) -> Tensor:
    """``(1 - target) / (1 - x) - target / x``: two reciprocals at once."""
    inverse = _inverses(protocol, x)
    slope = (1 - target) * inverse[1] - target * inverse[0]
    return _weighted(grad, slope, weight, reduction)


def _inverses(protocol: Protocol, x: Tensor) -> Tensor:
    """``1 / x`` and ``1 / (1 - x)``; 0 counts as half a unit, as in the logarithm, so that its slope is steep."""
    both = torch.stack((x, 1 - x))
    if not isinstance(both, Secret):
        return both.reciprocal()
    return Secret(protocol, reciprocal(protocol, both._share, zero_as_half=True), x.dtype)


@rule(aten.logit.default)
def logit(protocol: Protocol, x: Tensor, eps: float | None = None) -> Tensor:
    """``log(x) - log(1 - x)``: two logarithms at once; within 11.8 of 0 (with 16 fraction bits)."""
    kept = x if eps is None else x.clamp(eps, 1 - eps)
    logs = torch.stack((kept, 1 - kept)).log()
    return logs[0] - logs[1]


@rule(aten.logit_backward.default)
def logit_backward(protocol: Protocol, grad: Tensor, x: Tensor, eps: float | None = None) -> Tensor:
    """``grad / x + grad / (1 - x)``: two reciprocals at once; 0 beyond the bounds."""
    out = grad * _inverses(protocol, x).sum(0)
    return out if eps is None else out * ((x >= eps) & (x <= 1 - eps))


@rule(aten.binary_cross_entropy_with_logits.default)
def with_logits(
    protocol: Protocol,
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = _MEAN,
) -> Tensor:
    """``(1 - target) x + softplus(-x)``: error 5e-5; the softplus of the negated logits and a product."""
    rest = torch.nn.functional.softplus(-x)
    if pos_weight is not None:
        rest = rest * (1 + (pos_weight - 1) * target)
    return _reduced((1 - target) * x + rest, weight, reduction)


def _reduced(loss: Tensor, weight: Tensor | None, reduction: int) -> Tensor:
    loss = loss if weight is None else loss * weight
    if reduction == _NONE:
        return loss
    return loss.mean() if reduction == _MEAN else loss.sum()


def _weighted(grad: Tensor, slope: Tensor, weight: Tensor | None, reduction: int) -> Tensor:
    out = grad * slope
    out = out if weight is None else out * weight
    return out / out.numel() if reduction == _MEAN else out
