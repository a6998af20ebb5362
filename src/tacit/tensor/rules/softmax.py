"""Softmax, its logarithm and the logarithm of a sum of exponentials."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.functions import softmax as functions
from tacit.functions.exponential import exp_nonpositive
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import dims_of, number, unit_of
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten._softmax.default, aten._safe_softmax.default)
def softmax(protocol: Protocol, x: Secret, dim: int, half_to_float: bool = False) -> Secret:
    """Error 1e-4 of the result or 2 units; see ``tacit.functions.softmax`` for the cost."""
    out = functions.softmax(protocol, _last(protocol, x, [dim]))
    return Secret(protocol, _back(out, x, dim), x.dtype)


@rule(aten._softmax_backward_data.default)
def softmax_backward(protocol: Protocol, grad: Tensor, out: Tensor, dim: int, dtype: torch.dtype) -> Tensor:
    """``out * (grad - sum(grad * out))``: two products, no exponential."""
    weighted = grad * out
    return weighted - out * weighted.sum(dim, keepdim=True)


@rule(aten._log_softmax.default)
def log_softmax(protocol: Protocol, x: Secret, dim: int, half_to_float: bool) -> Secret:
    """Error 2 units; the cost of ``softmax`` without its last product."""
    out = functions.log_softmax(protocol, _last(protocol, x, [dim]))
    return Secret(protocol, _back(out, x, dim), x.dtype)


@rule(aten._log_softmax_backward_data.default)
def log_softmax_backward(protocol: Protocol, grad: Secret, out: Secret, dim: int, dtype: torch.dtype) -> Tensor:
    """``grad - exp(out) * sum(grad)``: one exp of the result, four rounds; free besides for public gradients.

    After ``nll_loss`` of public classes that is softmax minus the one-hot, and nothing else.
    """
    power = protocol.with_unit(exp_nonpositive(protocol, out._share), unit_of(protocol, out.dtype))
    return grad - Secret(protocol, power, out.dtype) * grad.sum(dim, keepdim=True)


@rule(aten.logsumexp.default)
def logsumexp(protocol: Protocol, x: Secret, dim: Sequence[int], keepdim: bool = False) -> Secret:
    """Error 2 units; the cost of ``softmax`` without its last product."""
    dims = dims_of(x, dim)
    out = functions.logsumexp(protocol, _last(protocol, x, dims))
    if keepdim:
        shape = [1 if d in dims else size for d, size in enumerate(x.shape)]
        out = out.view(lambda part: part.view(shape))
    return Secret(protocol, out, x.dtype)


def _last(protocol: Protocol, x: Secret, dims: Sequence[int]) -> Share:
    """``dims`` as one last dimension; nothing is copied where it is the last already."""
    share = number(protocol, x, x.dtype)
    if not x.dim():
        return share.view(lambda part: part.view(1))
    places = dims_of(x, dims)
    if places == [x.dim() - 1]:
        return share
    first = x.dim() - len(places)
    return protocol.linear(lambda part: part.movedim(places, list(range(first, x.dim()))).flatten(first), share)


def _back(out: Share, x: Secret, dim: int) -> Share:
    return out.view(lambda part: part.movedim(-1, dim) if x.dim() else part.view(()))
