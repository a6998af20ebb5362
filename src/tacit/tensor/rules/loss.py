"""Losses that arrive as one operation."""

from __future__ import annotations

import torch

from tacit.protocols._base import Protocol
from tacit.protocols.share import EVERYONE
from tacit.ring.bilinear import MUL
from tacit.tensor.operands import Operand, known_factor, number, result_type, scaled, times
from tacit.tensor.registry import rule
from tacit.tensor.rules.linear import weighted_sum
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_NONE, _MEAN = 0, 1


@rule(aten.mse_loss.default)
def mse_loss(protocol: Protocol, x: Operand, target: Operand, reduction: int = _MEAN) -> Secret:
    """A square: one round, 64 bits; left pending."""
    difference = weighted_sum(protocol, x, target, -1)
    loss = protocol.square(difference._share)
    if reduction != _NONE:
        loss = protocol.linear(torch.sum, loss)
    if reduction == _MEAN:
        loss = scaled(protocol, loss, 1 / max(1, difference.numel()))
    return Secret(protocol, loss, difference.dtype)


@rule(aten.mse_loss_backward.default)
def mse_loss_backward(protocol: Protocol, grad: Operand, x: Operand, target: Operand, reduction: int) -> Secret:
    """``2 (x - target) grad``: free where the loss was what ``backward`` began with."""
    difference = weighted_sum(protocol, x, target, -1)
    weight = 2 / max(1, difference.numel()) if reduction == _MEAN else 2
    share = difference._share
    if not isinstance(grad, Secret):
        out = scaled(protocol, share, grad)
    elif grad._share.storage.known_by == EVERYONE:
        out = times(protocol, share, known_factor(grad._share))
    else:
        out = protocol.multiply(MUL, share, number(protocol, grad, result_type(grad, difference)))
    return Secret(protocol, scaled(protocol, out, weight), difference.dtype)
