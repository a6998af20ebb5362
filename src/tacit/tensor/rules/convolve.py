"""Convolutions and their gradients, in 1, 2 and 3 dimensions. One round each unless an operand is public."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.errors import UnsupportedOpError
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import conv, conv_grad_input, conv_grad_weight
from tacit.tensor.operands import result_type
from tacit.tensor.registry import rule
from tacit.tensor.rules.products import bilinear, operand, with_bias
from tacit.tensor.secret import Secret

aten = torch.ops.aten

Sizes = tuple[int, ...]


@rule(aten.convolution.default)
def convolution(
    protocol: Protocol,
    x: Secret | Tensor,
    weight: Secret | Tensor,
    bias: Secret | Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Secret:
    """One round; 64 bits for each element of x and of the weight (before im2col). Left pending."""
    window = _window(x.dim() - 2, stride, padding, dilation)
    dtype = result_type(x, weight)
    if transposed:
        shape = _transposed_shape(tuple(x.shape), tuple(weight.shape), window, output_padding, groups)
        op = conv_grad_input(*window, groups, shape)
    else:
        op = conv(*window, groups)
    out = bilinear(protocol, op, x, weight, dtype)
    if bias is not None:
        ones = (1,) * (x.dim() - 2)
        out = with_bias(protocol, out, bias, dtype, shaped=lambda part: part.view(-1, *ones))
    return Secret(protocol, out, dtype)


@rule(aten.convolution_backward.default)
def convolution_backward(
    protocol: Protocol,
    grad: Secret,
    x: Secret | Tensor,
    weight: Secret | Tensor,
    bias_sizes: Sequence[int] | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    output_mask: Sequence[bool],
) -> tuple[Secret | None, Secret | None, Secret | None]:
    """The gradients for input, weight and bias that are wanted: one round each for the first two."""
    window = _window(x.dim() - 2, stride, padding, dilation)
    dtype = result_type(x, weight)
    g, data, kernel = (operand(protocol, t, dtype) for t in (grad, x, weight))
    weight_op = conv_grad_weight(*window, groups, tuple(weight.shape))
    if transposed:  # the forward pass was the gradient of a convolution, so the roles of x and grad are exchanged
        input_op, weight_pair = conv(*window, groups), (g, data)
    else:
        input_op, weight_pair = conv_grad_input(*window, groups, tuple(x.shape)), (data, g)
    outs: list[Share | None] = [None, None, None]
    if output_mask[0]:
        outs[0] = protocol.multiply(input_op, g, kernel)
    if output_mask[1]:
        outs[1] = protocol.multiply(weight_op, *weight_pair)
    if output_mask[2]:
        dims = [0, *range(2, grad.dim())]
        outs[2] = protocol.linear(lambda part: part.sum(dims), grad._share)
    first, second, third = (None if out is None else Secret(protocol, out, dtype) for out in outs)
    return first, second, third


def _window(dims: int, *parameters: Sequence[int]) -> tuple[Sizes, Sizes, Sizes]:
    stride, padding, dilation = (tuple(p) * dims if len(p) == 1 else tuple(p) for p in parameters)
    return stride, padding, dilation


def _transposed_shape(
    x: Sizes, weight: Sizes, window: tuple[Sizes, Sizes, Sizes], output_padding: Sequence[int], groups: int
) -> Sizes:
    extra = tuple(output_padding) * (len(x) - 2) if len(output_padding) == 1 else tuple(output_padding)
    spatial = tuple(
        (size - 1) * step - 2 * pad + reach * (taps - 1) + more + 1
        for size, taps, step, pad, reach, more in zip(x[2:], weight[2:], *window, extra, strict=True)
    )
    if min(spatial) < 1:
        raise UnsupportedOpError(f"A transposed convolution from {x[2:]} with kernel {weight[2:]} has no output.")
    return x[0], weight[1] * groups, *spatial
