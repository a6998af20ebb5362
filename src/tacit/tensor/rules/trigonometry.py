"""Tangents, inverse and hyperbolic functions. Integers and bits become PyTorch's default type before (``kinds``)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tacit.functions import on_interval
from tacit.functions.on_interval import arccos_kernel, arctan_in_one, sinc_in_one
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import result_type
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_LARGE = 2.0**10
"""From here on the square of a number dwarfs one, and would leave the range before long."""


@rule(aten.tan.default)
def tan(protocol: Protocol, x: Secret) -> Tensor:
    """``sin(x) / cos(x)``: error 5e-5 of the result and 2 units of either; poles are finite. Ten rounds."""
    return x.sin() / x.cos()


@rule(aten.atan.default)
def atan(protocol: Protocol, x: Secret) -> Tensor:
    """Error 5e-5. Sixteen rounds: a reciprocal, waves on [-1, 1], three selects."""
    size = x.abs()
    steep = size > 1
    inner = _applied(protocol, arctan_in_one, torch.where(steep, size.clamp(min=1).reciprocal(), size))
    angle = torch.where(steep, math.pi / 2 - inner, inner)
    return torch.where(x < 0, -angle, angle)


@rule(aten.atan2.default)
def atan2(protocol: Protocol, y: Any, x: Any) -> Tensor:
    """The angle of (x, y), error 5e-5 where one of them is not tiny; 0 at (0, 0). A division, waves, four selects."""
    dtype = result_type(y, x)
    dtype = dtype if dtype.is_floating_point else torch.get_default_dtype()
    y, x = torch.broadcast_tensors(y.to(dtype), x.to(dtype))
    height, width = y.abs(), x.abs()
    steep = height > width
    smaller, larger = torch.minimum(height, width), torch.maximum(height, width)
    none = larger == 0
    inner = _applied(protocol, arctan_in_one, (smaller / (larger + none.to(dtype))).clamp(0, 1))
    angle = torch.where(steep, math.pi / 2 - inner, inner)
    angle = torch.where(x < 0, math.pi - angle, angle)
    return torch.where(y < 0, -angle, angle)


@rule(aten.acos.default)
def acos(protocol: Protocol, x: Secret) -> Tensor:
    """Error 5e-5 for ``|x| <= 1``; numbers outside count as -1 or 1. A root, waves and a product."""
    negative = x < 0
    size = torch.where(negative, -x, x).clamp(max=1)
    angle = _applied(protocol, arccos_kernel, size) * (1 - size).sqrt()
    return torch.where(negative, math.pi - angle, angle)


@rule(aten.asin.default)
def asin(protocol: Protocol, x: Secret) -> Tensor:
    """``pi / 2 - acos(x)``."""
    return math.pi / 2 - acos(protocol, x)


@rule(aten.sinh.default)
def sinh(protocol: Protocol, x: Secret) -> Tensor:
    """``(exp(x) - exp(-x)) / 2``: error 5e-5 of the larger power; saturates as exp does. The cost of two exps."""
    up, down = _powers(x)
    return (up - down) / 2


@rule(aten.cosh.default)
def cosh(protocol: Protocol, x: Secret) -> Tensor:
    """``(exp(x) + exp(-x)) / 2``: the cost and error of ``sinh``."""
    up, down = _powers(x)
    return (up + down) / 2


@rule(aten.asinh.default)
def asinh(protocol: Protocol, x: Secret) -> Tensor:
    """``log(|x| + sqrt(x**2 + 1))`` with the sign of x: error 3e-5, any x. A root and a logarithm."""
    size = x.abs()
    root = (size.clamp(max=_LARGE).square() + 1).sqrt()
    angle = (size + torch.where(size > _LARGE, size, root)).log()
    return torch.where(x < 0, -angle, angle)


@rule(aten.acosh.default)
def acosh(protocol: Protocol, x: Secret) -> Tensor:
    """``log(x + sqrt(x**2 - 1))``: error 2e-4 for ``x >= 1``; smaller numbers count as 1. A root and a logarithm."""
    size = x.clamp(min=1)
    root = (size.clamp(max=_LARGE).square() - 1).sqrt()
    return (size + torch.where(size > _LARGE, size, root)).log()


@rule(aten.atanh.default)
def atanh(protocol: Protocol, x: Secret) -> Tensor:
    """``(log(1 + x) - log(1 - x)) / 2`` for ``|x| < 1``, with a unit's error in ``1 - |x|``. A logarithm."""
    up, down = torch.stack((1 + x, 1 - x)).log().unbind()
    return (up - down) / 2


@rule(aten.sinc.default)
def sinc(protocol: Protocol, x: Secret) -> Tensor:
    """``sin(pi x) / (pi x)``, 1 at 0: error 5e-5, for ``|x| < 2**28``. A division, waves, a sine, three selects."""
    far = x.abs() > 1
    inner = _applied(protocol, sinc_in_one, torch.where(far, torch.zeros_like(x), x))
    outer = torch.where(far, x * math.pi, torch.ones_like(x))
    return torch.where(far, outer.sin() / outer, inner)


def sinc_slope_in_one(x: Tensor) -> Tensor:
    """The derivative of ``sinc`` at a secret x for ``|x| <= 1``: waves; error 1 unit."""
    secret: Any = x
    return _applied(secret._protocol, on_interval.sinc_slope_in_one, x)


def _applied(protocol: Protocol, function: Callable[[Protocol, Share], Share], x: Tensor) -> Tensor:
    """A function of shares, of a secret."""
    secret: Any = x
    return Secret(protocol, function(protocol, secret._share), x.dtype)


def _powers(x: Tensor) -> tuple[Tensor, Tensor]:
    up, down = torch.stack((x, -x)).exp().unbind()
    return up, down
