"""ReLU and what is made of it: thresholds, clamps, absolute values. Gradients reuse the signs of the forward pass."""

from __future__ import annotations

import torch

from tacit.functions.choice import gated, gated_by_each
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.deferred import defer, may_be_deferred
from tacit.tensor.operands import Number, addend, number, scaled, unit_of
from tacit.tensor.registry import rule
from tacit.tensor.rules.compare import threshold
from tacit.tensor.rules.copy import overwrite
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.relu.default)
def relu(protocol: Protocol, x: Secret) -> Secret:
    """98 bits, four rounds, with the truncation of a pending x in it; the signs stay known for the gradient.

    Without gradients it is done when the result is used, and after max-pooling; see ``tacit.tensor.deferred``.
    """
    if x._deferred is not None:
        return Secret(protocol, x._deferred.of(protocol.apart(x._deferred.argument)), x.dtype)
    share = number(protocol, x, x.dtype)
    out = defer(protocol, share) if may_be_deferred(protocol, share) else protocol.relu(share)
    return Secret(protocol, out, x.dtype)


@rule(aten.relu_.default)
def relu_(protocol: Protocol, x: Secret) -> Secret:
    """As ``relu``; put off only where no view or other tensor sees the same memory."""
    if x._deferred is not None:
        return x
    share = x._share
    if share.storage.tensors == 1 and may_be_deferred(protocol, share):
        x.defer(defer(protocol, share))
        return x
    return overwrite(protocol, x, relu(protocol, x))


@rule(aten.threshold_backward.default)
def threshold_backward(protocol: Protocol, grad: Secret, x: Secret, at: Number) -> Secret:
    """``grad * [x > at]``: one select, and no comparison where x came out of ReLU."""
    return Secret(protocol, gated(protocol, _above(protocol, x._share, at), grad._share), grad.dtype)


def _above(protocol: Protocol, x: Share, at: Number) -> Share:
    if at == 0:
        return protocol.positive(x)
    return protocol.compare(x, [threshold(x, at, strict=True)])[0]


@rule(aten.leaky_relu.default)
def leaky_relu(protocol: Protocol, x: Secret, slope: Number = 0.01) -> Secret:
    """``slope * x + (1 - slope) * relu(x)``: the cost of ReLU."""
    share = x._share
    positive = scaled(protocol, protocol.relu(share), 1 - slope)
    return Secret(protocol, protocol.add(scaled(protocol, share, slope), positive), x.dtype)


@rule(aten.leaky_relu_backward.default)
def leaky_relu_backward(protocol: Protocol, grad: Secret, x: Secret, slope: Number, self_is_result: bool) -> Secret:
    """``grad * (slope + (1 - slope) * [x > 0])``: one select."""
    passed = gated(protocol, protocol.positive(x._share), grad._share)
    out = protocol.add(scaled(protocol, grad._share, slope), scaled(protocol, passed, 1 - slope))
    return Secret(protocol, out, grad.dtype)


@rule(aten.clamp.default)
def clamp(protocol: Protocol, x: Secret, low: Number | None = None, high: Number | None = None) -> Secret:
    """One opening for both bounds, then one select: 64 + 33 bits for each bound, 65 for the select, four rounds."""
    return _clamped(protocol, x, low, high, strict_low=False)


@rule(aten.clamp_min.default)
def clamp_min(protocol: Protocol, x: Secret, low: Number) -> Secret:
    """The cost of ``clamp`` with one bound."""
    return _clamped(protocol, x, low, None, strict_low=False)


@rule(aten.clamp_max.default)
def clamp_max(protocol: Protocol, x: Secret, high: Number) -> Secret:
    """The cost of ``clamp`` with one bound."""
    return _clamped(protocol, x, None, high, strict_low=False)


@rule(aten.hardtanh.default)
def hardtanh(protocol: Protocol, x: Secret, low: Number = -1, high: Number = 1) -> Secret:
    """The cost of ``clamp``."""
    return _clamped(protocol, x, low, high, strict_low=True)


@rule(aten.hardtanh_backward.default)
def hardtanh_backward(protocol: Protocol, grad: Secret, x: Secret, low: Number, high: Number) -> Secret:
    """``grad * [low < x < high]``: the forward pass left both bits, so an ``and`` and a select."""
    share = x._share
    above, beyond = protocol.compare(share, [threshold(share, low, strict=True), threshold(share, high, strict=False)])
    # beyond implies above, so their exclusive or is the interval
    return Secret(protocol, gated(protocol, protocol.xor(above, beyond), grad._share), grad.dtype)


def _clamped(protocol: Protocol, x: Secret, low: Number | None, high: Number | None, strict_low: bool) -> Secret:
    """``low + [x > low] (x - low) - [x > high] (x - high)``.

    Which of the two equal forms of each comparison is asked for is chosen so that the gradient asks for the same ones.
    """
    if low is not None and high is not None and low >= high:
        return Secret(protocol, _filled(protocol, x, high), x.dtype)
    share = number(protocol, x, torch.promote_types(x.dtype, _type_of(low, high)))
    if low == 0 and high is None:
        return Secret(protocol, protocol.relu(share), x.dtype)
    protocol.settle(share)
    bounds = [(low, strict_low), (high, not strict_low)]
    limits = [(bound, threshold(share, bound, strict)) for bound, strict in bounds if bound is not None]
    bits = protocol.compare(share, [limit for _, limit in limits])
    beyond = [protocol.sub(share, addend(protocol, bound, share)) for bound, _ in limits]
    parts = gated_by_each(protocol, bits, beyond)
    if low is None:
        out = protocol.sub(share, parts[0])
    else:
        out = protocol.add(parts[0], addend(protocol, low, parts[0]))
        out = protocol.sub(out, parts[1]) if high is not None else out
    return Secret(protocol, out, x.dtype)


def _type_of(*bounds: Number | None) -> torch.dtype:
    return torch.float32 if any(isinstance(bound, float) for bound in bounds) else torch.int64


def _filled(protocol: Protocol, x: Secret, value: Number) -> Share:
    unit = unit_of(protocol, x.dtype)
    return protocol.public(torch.full(x.shape, round(value * 2**unit), dtype=torch.int64), unit)


@rule(aten.abs.default)
def absolute(protocol: Protocol, x: Secret) -> Secret:
    """``2 relu(x) - x``: the cost of ReLU."""
    share = number(protocol, x, x.dtype)
    positive = protocol.relu(share)
    return Secret(protocol, protocol.sub(protocol.add(positive, positive), share), x.dtype)


@rule(aten.sign.default, aten.sgn.default)
def sign(protocol: Protocol, x: Secret) -> Secret:
    """``[x > 0] + [x >= 0] - 1``: one opening, 33 bits for each of the two, 2 bits to make numbers of them."""
    share = number(protocol, x, x.dtype)
    unit = unit_of(protocol, x.dtype)
    above, at_least = protocol.compare(share, [1, 0])
    stacked = protocol.linear(lambda *parts: torch.stack(parts), above, at_least)
    total = protocol.linear(lambda part: part.sum(0), protocol.to_number(stacked, unit))
    return Secret(protocol, protocol.sub(total, addend(protocol, 1, total)), x.dtype)
