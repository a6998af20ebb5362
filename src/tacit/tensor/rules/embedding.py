"""Rows of a table by their numbers, public or secret."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import UnsupportedOpError
from tacit.functions.onehot import look_up, rows_at
from tacit.protocols._base import Protocol
from tacit.ring.bilinear import MATMUL
from tacit.tensor.positions import places
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret
from tacit.tensor.secret_index import SecretIndex

aten = torch.ops.aten


@rule(aten.embedding.default)
def embedding(
    protocol: Protocol,
    weight: Secret | Tensor,
    index: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Secret:
    """Public numbers: free. Secret ones: a product of their one-hot with the table, 64 bits a number and row.

    A table of V rows and H columns costs 8 V bytes for each number and, once, 8 V H for the table; half of each where
    one party knows the numbers and one the table. A public table is free for whoever knows the numbers.
    """
    table = lifted(protocol, weight, weight.dtype)
    if not isinstance(index, Secret):
        rows = protocol.placed(index)
        return Secret(protocol, protocol.linear(lambda part: part[rows], table), weight.dtype)
    if isinstance(index, SecretIndex):
        return Secret(protocol, rows_at(protocol, table, places(protocol, index, weight.shape[0])), weight.dtype)
    return Secret(protocol, look_up(protocol, table, index._share), weight.dtype)


@rule(aten.embedding_dense_backward.default)
def embedding_backward(
    protocol: Protocol,
    grad: Secret | Tensor,
    index: Tensor,
    num_weights: int,
    padding_idx: int,
    scale_grad_by_freq: bool,
) -> Secret:
    """Public numbers: free. Secret ones: a product of the transposed one-hot, already there, with the gradient."""
    if scale_grad_by_freq:
        raise UnsupportedOpError(f"embedding(scale_grad_by_freq=True) at {caller_line()} is not built.")
    kept = (torch.arange(num_weights) != padding_idx).to(torch.int64)[:, None]
    rows = lifted(protocol, grad, grad.dtype)
    count, width = index.numel(), grad.shape[-1]
    rows = protocol.linear(lambda part: part.reshape(count, width), rows)
    if isinstance(index, Secret):
        marks = places(protocol, index, num_weights).view(lambda part: part.view(count, num_weights).t())
        total = protocol.multiply(MATMUL, marks, rows)
    else:
        flat = protocol.placed(index).reshape(-1)
        total = protocol.linear(lambda part: part.new_zeros(num_weights, width).index_add_(0, flat, part), rows)
    return Secret(protocol, protocol.times_public(total, kept, 0), grad.dtype)


@rule(aten.one_hot.default)
def one_hot(protocol: Protocol, index: Secret, num_classes: int) -> Secret:
    """Free where a party knows the numbers, to whom one beyond the classes is an error; else it gives zeros.

    See ``tacit.functions.onehot``.
    """
    return Secret(protocol, places(protocol, index, num_classes), torch.int64)
