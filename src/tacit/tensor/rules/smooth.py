"""Smooth activations. Gradients use the result, or a slope that the forward pass found in the same opening."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tacit.functions import coefficients, periodic
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import Number, number, scaled, unit_of
from tacit.tensor.registry import rule
from tacit.tensor.rules.compare import bits_above
from tacit.tensor.rules.structural import chosen
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_WithSlope = Callable[[Protocol, Share], tuple[Share, Share]]


def real(protocol: Protocol, x: Secret) -> tuple[Share, torch.dtype]:
    """``x`` as real numbers: integers and bits become PyTorch's default type."""
    dtype = x.dtype if x.dtype.is_floating_point else torch.get_default_dtype()
    return number(protocol, x, dtype), dtype


@rule(aten.sigmoid.default)
def sigmoid(protocol: Protocol, x: Secret) -> Secret:
    """Error 5e-5: see ``tacit.functions.periodic``. Four rounds, 197 bits."""
    share, dtype = real(protocol, x)
    return Secret(protocol, periodic.sigmoid(protocol, share), dtype)


@rule(aten.sigmoid_backward.default)
def sigmoid_backward(protocol: Protocol, grad: Secret, out: Secret) -> Tensor:
    """``grad * out * (1 - out)``: a square, and a product unless the gradient is public."""
    return grad * (out - out * out)


@rule(aten.tanh.default)
def tanh(protocol: Protocol, x: Secret) -> Secret:
    """Error 5e-5; the cost of ``sigmoid``."""
    share, dtype = real(protocol, x)
    return Secret(protocol, periodic.tanh(protocol, share), dtype)


@rule(aten.tanh_backward.default)
def tanh_backward(protocol: Protocol, grad: Secret, out: Secret) -> Tensor:
    """``grad * (1 - out**2)``: a square, and a product unless the gradient is public."""
    return grad * (1 - out * out)


@rule(aten.erf.default)
def erf(protocol: Protocol, x: Secret) -> Secret:
    """Error 4e-5; the cost of ``sigmoid``."""
    share, dtype = real(protocol, x)
    return Secret(protocol, periodic.erf(protocol, share), dtype)


@rule(aten.erfc.default)
def erfc(protocol: Protocol, x: Secret) -> Tensor:
    """``1 - erf(x)``: error 4e-5; the cost of ``sigmoid``."""
    share, dtype = real(protocol, x)
    return 1 - Secret(protocol, periodic.erf(protocol, share), dtype)


@rule(aten.gelu.default)
def gelu(protocol: Protocol, x: Secret, *, approximate: str = "none") -> Secret:
    """Error 5e-5; four rounds, 197 bits, and 65 more for the slope where a gradient may be asked for."""
    tanh_form = approximate == "tanh"
    if not _wants_gradient(x):
        return Secret(protocol, periodic.gelu(protocol, x._share, tanh_form), x.dtype)
    return Secret(protocol, _kept(protocol, x, approximate, _gelu_and_slope(tanh_form))[0], x.dtype)


@rule(aten.gelu_backward.default)
def gelu_backward(protocol: Protocol, grad: Secret, x: Secret, *, approximate: str = "none") -> Tensor:
    """The slope is there since the forward pass: one product."""
    return grad * Secret(protocol, _slope(protocol, x, approximate, _gelu_and_slope(approximate == "tanh")), x.dtype)


def _gelu_and_slope(tanh_form: bool) -> _WithSlope:
    return lambda protocol, x: periodic.gelu_and_slope(protocol, x, tanh_form)


@rule(aten.silu.default)
def silu(protocol: Protocol, x: Secret) -> Secret:
    """Error 7e-5; the cost of ``gelu``."""
    if not _wants_gradient(x):
        return Secret(protocol, periodic.silu(protocol, x._share), x.dtype)
    return Secret(protocol, _kept(protocol, x, "silu", periodic.silu_and_slope)[0], x.dtype)


@rule(aten.silu_backward.default)
def silu_backward(protocol: Protocol, grad: Secret, x: Secret) -> Tensor:
    """The slope is there since the forward pass: one product."""
    return grad * Secret(protocol, _slope(protocol, x, "silu", periodic.silu_and_slope), x.dtype)


@rule(aten.softplus.default)
def softplus(protocol: Protocol, x: Secret, beta: Number = 1, threshold: Number = 20) -> Secret:
    """``log(1 + exp(beta x)) / beta``: error 5e-5 / beta; the cost of ``sigmoid``."""
    inner = x._share if beta == 1 else scaled(protocol, x._share, beta)
    out = periodic.softplus(protocol, inner)
    out = out if beta == 1 else scaled(protocol, out, 1 / beta)
    if threshold < coefficients.SOFTPLUS.limit:
        out = chosen(protocol, bits_above(protocol, x, threshold / beta, strict=True), x._share, out)
    return Secret(protocol, out, x.dtype)


@rule(aten.softplus_backward.default)
def softplus_backward(protocol: Protocol, grad: Secret, x: Secret, beta: Number, threshold: Number) -> Tensor:
    """``grad * sigmoid(beta x)``."""
    share = x._share if beta == 1 else scaled(protocol, x._share, beta)
    slope = periodic.sigmoid(protocol, share)
    if threshold < coefficients.SOFTPLUS.limit:
        one = protocol.public(torch.full(x.shape, 1 << unit_of(protocol, x.dtype)), unit_of(protocol, x.dtype))
        slope = chosen(protocol, bits_above(protocol, x, threshold / beta, strict=True), one, slope)
    return grad * Secret(protocol, slope, x.dtype)


@rule(aten.log_sigmoid_forward.default)
def log_sigmoid(protocol: Protocol, x: Secret) -> tuple[Tensor, Tensor]:
    """``-softplus(-x)``: error 5e-5; the cost of ``sigmoid``.

    The buffer is empty, as PyTorch's on an accelerator: its gradient needs none, and it would cost an exp.
    """
    out = protocol.neg(periodic.softplus(protocol, protocol.neg(x._share)))
    return Secret(protocol, out, x.dtype), x.new_zeros(0)


@rule(aten.log_sigmoid_backward.default)
def log_sigmoid_backward(protocol: Protocol, grad: Secret, x: Secret, buffer: Secret) -> Tensor:
    """``grad * sigmoid(-x)``."""
    return grad * Secret(protocol, periodic.sigmoid(protocol, protocol.neg(x._share)), x.dtype)


def _wants_gradient(x: Secret) -> bool:
    return x.requires_grad and torch.is_grad_enabled()


def _kept(protocol: Protocol, x: Secret, name: str, function: _WithSlope) -> tuple[Share, Share]:
    """Value and slope; the slope stays with x for the gradient."""
    value, slope = function(protocol, x._share)
    x._share.storage.facts[x._share.geometry, "slope", name] = slope
    return value, slope


def _slope(protocol: Protocol, x: Secret, name: str, function: _WithSlope) -> Share:
    found: Share | None = x._share.storage.facts.get((x._share.geometry, "slope", name))
    return _kept(protocol, x, name, function)[1] if found is None else found
