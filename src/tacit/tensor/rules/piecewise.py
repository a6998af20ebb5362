"""Activations in pieces: ELU and its kin, and the hard forms of sigmoid and SiLU."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.functions.exponential import exp_nonpositive
from tacit.protocols._base import Protocol
from tacit.tensor.operands import Number, scaled, unit_of
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.elu.default)
def elu(protocol: Protocol, x: Secret, alpha: Number = 1, scale: Number = 1, input_scale: Number = 1) -> Tensor:
    """``scale * (relu(x) + alpha * (exp(min(x, 0)) - 1))``: a ReLU and an exp of the rest, eight rounds."""
    positive, power = _parts(protocol, x, input_scale)
    return scale * positive + (alpha * scale) * (power - 1)


@rule(aten.celu.default)
def celu(protocol: Protocol, x: Secret, alpha: Number = 1) -> Tensor:
    """The cost of ``elu``."""
    return elu(protocol, x, alpha, 1, 1 / alpha)


@rule(aten.elu_backward.default)
def elu_backward(
    protocol: Protocol, grad: Tensor, alpha: Number, scale: Number, input_scale: Number, is_result: bool, x: Secret
) -> Tensor:
    """One product; an exp again unless the result is at hand. The sign is known since the forward pass."""
    above = x > 0
    if is_result:
        below = input_scale * (x + alpha * scale)
        return grad * torch.where(above, scale, below)
    # the exp is 1 where x is positive
    _, power = _parts(protocol, x, input_scale)
    steep = alpha * scale * input_scale
    return grad * (steep * power + (scale - steep) * above.to(x.dtype))


def _parts(protocol: Protocol, x: Secret, input_scale: Number) -> tuple[Tensor, Tensor]:
    """``max(x, 0)``, and exp of ``input_scale`` times the rest."""
    positive = x.relu()
    rest = (x - positive)._share  # type: ignore[attr-defined]
    power = exp_nonpositive(protocol, rest if input_scale == 1 else scaled(protocol, rest, input_scale))
    return positive, Secret(protocol, protocol.with_unit(power, unit_of(protocol, x.dtype)), x.dtype)


@rule(aten.hardsigmoid.default)
def hardsigmoid(protocol: Protocol, x: Secret) -> Tensor:
    """``clamp(x + 3, 0, 6) / 6``: the cost of ``clamp``."""
    return (x + 3).clamp(0, 6) / 6


@rule(aten.hardsigmoid_backward.default)
def hardsigmoid_backward(protocol: Protocol, grad: Tensor, x: Secret) -> Tensor:
    """One select."""
    return grad * ((x > -3) ^ (x >= 3)) / 6


@rule(aten.hardswish.default)
def hardswish(protocol: Protocol, x: Secret) -> Tensor:
    """``x * clamp(x + 3, 0, 6) / 6``: the cost of ``clamp``, and a product."""
    return x * ((x + 3).clamp(0, 6) / 6)


@rule(aten.hardswish_backward.default)
def hardswish_backward(protocol: Protocol, grad: Tensor, x: Secret) -> Tensor:
    """``grad * (x / 3 + 1/2)`` between -3 and 3, the gradient above: two selects."""
    above = x >= 3
    return grad * (((x > -3) ^ above) * (x / 3 + 0.5) + above.to(x.dtype))


@rule(aten._prelu_kernel.default)
def prelu(protocol: Protocol, x: Tensor, weight: Tensor) -> Tensor:
    """``max(x, 0) + weight * min(x, 0)``: a ReLU, and a product for a secret weight."""
    positive = x.relu()
    return positive + weight * (x - positive)


@rule(aten._prelu_kernel_backward.default)
def prelu_backward(protocol: Protocol, grad: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Two selects and two products; the sign is known since the forward pass."""
    above = x > 0
    return torch.where(above, grad, grad * weight), torch.where(above, torch.zeros_like(x), grad * x)


@rule(aten.glu.default)
def glu(protocol: Protocol, x: Secret, dim: int = -1) -> Tensor:
    """One half times the sigmoid of the other."""
    first, second = x.chunk(2, dim)
    return first * second.sigmoid()


@rule(aten.glu_backward.default)
def glu_backward(protocol: Protocol, grad: Tensor, x: Secret, dim: int) -> Tensor:
    """A sigmoid again, and three products."""
    first, second = x.chunk(2, dim)
    gate = second.sigmoid()
    part = grad * gate
    return torch.cat((part, part * first * (1 - gate)), dim)
