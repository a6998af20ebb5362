"""Layer, group, batch and RMS normalization with statistics of the secret itself, at high precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tacit.functions.normalization import normalize
from tacit.functions.scale import settled_at
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MUL
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_Norm = tuple[Tensor, Tensor, Tensor]
_Grads = tuple[Tensor | None, Tensor | None, Tensor | None]
_Mask = Sequence[bool]
_VALUE = "normalized"
"""The fact that stays with the inverse deviation: the normalized rows, for the gradient."""


def normalized(protocol: Protocol, rows: Tensor, eps: float, centered: bool = True) -> tuple[Secret, Secret, Secret]:
    """Rows along the last dimension at mean 0 and variance 1, their means, and one over their deviations."""
    found = normalize(protocol, lifted(protocol, rows, rows.dtype), eps, centered)
    found.inverse.storage.facts[_VALUE] = found.value
    mean = found.mean if found.mean is not None else found.inverse
    value, mean_secret, inverse = (Secret(protocol, share, rows.dtype) for share in (found.value, mean, found.inverse))
    return value, mean_secret, inverse


def normalized_backward(
    protocol: Protocol, grad: Tensor, value: Tensor, inverse: Share, centered: bool = True
) -> Secret:
    """From the gradient of normalized rows to that of the rows: two products, and one with the inverse deviation."""
    inner = grad - value * (grad * value).mean(-1, keepdim=True)
    if centered:
        inner = inner - grad.mean(-1, keepdim=True)
    out = protocol.multiply(MUL, lifted(protocol, inner, grad.dtype), inverse)
    return Secret(protocol, settled_at(protocol, out, protocol.settings.frac_bits), grad.dtype)


def kept(protocol: Protocol, inverse: Secret, shape: Sequence[int]) -> tuple[Secret, Share]:
    """The normalized rows of the forward pass, and one over their deviations, one a row."""
    share = inverse._share
    if not share.numel:  # of no rows: it says nothing
        blank = lifted(protocol, torch.zeros(tuple(shape)), inverse.dtype)
        return Secret(protocol, blank, inverse.dtype), share.view(lambda part: part.reshape(*shape[:1], 1, 1))
    value: Share = share.storage.facts[_VALUE]
    per_row = share.view(lambda part: part.reshape(*value.shape[:-1], 1))
    return Secret(protocol, value.view(lambda part: part.view(tuple(shape))), inverse.dtype), per_row


@rule(aten.native_layer_norm.default)
def layer_norm(
    protocol: Protocol, x: Tensor, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> _Norm:
    """Error 1e-4 of the result and 2 units; see ``tacit.functions.normalization``. A product for a secret weight."""
    lead = x.shape[: x.dim() - len(shape)]
    value, mean, inverse = normalized(protocol, _rows(x, shape), eps)
    outer = (*lead, *(1,) * len(shape))
    return _affine(value.view(x.shape), weight, bias), mean.view(outer), inverse.view(outer)


@rule(aten.native_layer_norm_backward.default)
def layer_norm_backward(
    protocol: Protocol,
    grad: Tensor,
    x: Tensor,
    shape: Sequence[int],
    mean: Tensor,
    inverse: Secret,
    weight: Tensor | None,
    bias: Tensor | None,
    output_mask: _Mask,
) -> _Grads:
    """The forward pass left the normalized rows and the inverse deviation: four products, no root."""
    lead = x.shape[: x.dim() - len(shape)]
    value, per_row = kept(protocol, inverse, x.shape)
    grad_x: Tensor | None = None
    if output_mask[0]:
        inner = grad if weight is None else grad * weight
        rows, flat = (_rows(t, shape) for t in (inner, value))
        grad_x = normalized_backward(protocol, rows, flat, per_row).view(x.shape)
    dims = list(range(len(lead)))
    return grad_x, *_affine_backward(grad, value, lambda t: t.sum(dims) if dims else t, output_mask)


@rule(aten.native_group_norm.default)
def group_norm(
    protocol: Protocol,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    batch: int,
    channels: int,
    area: int,
    groups: int,
    eps: float,
) -> _Norm:
    """As ``native_layer_norm``, over groups of channels."""
    value, mean, inverse = normalized(protocol, x.reshape(batch, groups, channels // groups * area), eps)
    weight, bias = (None if t is None else t.view(-1, 1) for t in (weight, bias))
    out = _affine(value.view(batch, channels, area), weight, bias)
    return out.reshape(x.shape), mean.view(batch, groups), inverse.view(batch, groups)


@rule(aten.native_group_norm_backward.default)
def group_norm_backward(
    protocol: Protocol,
    grad: Tensor,
    x: Tensor,
    mean: Tensor,
    inverse: Secret,
    weight: Tensor | None,
    batch: int,
    channels: int,
    area: int,
    groups: int,
    output_mask: _Mask,
) -> _Grads:
    """As ``native_layer_norm_backward``."""
    value, per_row = kept(protocol, inverse, (batch, channels, area))
    grad = grad.reshape(batch, channels, area)
    grad_x: Tensor | None = None
    if output_mask[0]:
        inner = grad if weight is None else grad * weight.view(-1, 1)
        rows, flat = (t.reshape(batch, groups, channels // groups * area) for t in (inner, value))
        grad_x = normalized_backward(protocol, rows, flat, per_row).reshape(x.shape)
    return grad_x, *_affine_backward(grad, value, lambda t: t.sum((0, 2)), output_mask)


@rule(aten._fused_rms_norm.default)
def rms_norm(
    protocol: Protocol, x: Tensor, shape: Sequence[int], weight: Tensor | None, eps: float | None
) -> tuple[Tensor, Tensor]:
    """As ``native_layer_norm``, without the mean."""
    lead = x.shape[: x.dim() - len(shape)]
    least = torch.finfo(x.dtype).eps if eps is None else eps
    value, _, inverse = normalized(protocol, _rows(x, shape), least, centered=False)
    return _affine(value.view(x.shape), weight, None), inverse.view(*lead, *(1,) * len(shape))


@rule(aten._fused_rms_norm_backward.default)
def rms_norm_backward(
    protocol: Protocol,
    grad: Tensor,
    x: Tensor,
    shape: Sequence[int],
    inverse: Secret,
    weight: Tensor | None,
    output_mask: _Mask,
) -> tuple[Tensor | None, Tensor | None]:
    """As ``native_layer_norm_backward``."""
    lead = x.shape[: x.dim() - len(shape)]
    value, per_row = kept(protocol, inverse, x.shape)
    rows, flat = (_rows(t, shape) for t in (grad if weight is None else grad * weight, value))
    grad_x = (
        normalized_backward(protocol, rows, flat, per_row, centered=False).view(x.shape) if output_mask[0] else None
    )
    grad_weight = (grad * value).sum(list(range(len(lead)))) if output_mask[1] else None
    return grad_x, grad_weight


def _rows(x: Tensor, shape: Sequence[int]) -> Tensor:
    """The last dimensions, which are ``shape``, as one."""
    return x.reshape(*x.shape[: x.dim() - len(shape)], math.prod(shape))


def _affine(value: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    out = value if weight is None else value * weight
    return out if bias is None else out + bias


def _affine_backward(
    grad: Tensor, value: Tensor, summed: Callable[[Tensor], Tensor], output_mask: _Mask
) -> tuple[Tensor | None, Tensor | None]:
    return summed(grad * value) if output_mask[1] else None, summed(grad) if output_mask[2] else None
