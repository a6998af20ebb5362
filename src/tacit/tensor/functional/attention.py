"""Scaled dot product attention as four operations on tensors, in place of PyTorch's fused ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from tacit.tensor.caught import caught
from tacit.tensor.secret import Secret


@caught(functional.scaled_dot_product_attention)
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Two products and a softmax. A public mask costs nothing, a secret one a select (65 bits a score, one round).

    Scores that a mask forbids saturate at a large negative number, so their softmax is exactly zero. A row of a public
    mask that allows nothing gives zeros.
    """
    if enable_gqa:
        key, value = (t.repeat_interleave(query.shape[-3] // t.shape[-3], -3) for t in (key, value))
    # The smaller operand takes the factor: there are fewer truncations than in a matrix of scores.
    factor = 1 / math.sqrt(max(1, query.shape[-1])) if scale is None else scale  # with no channels any factor is right
    scores = (query * factor) @ key.transpose(-2, -1)
    allowed = torch.ones(scores.shape[-2:], dtype=torch.bool).tril() if is_causal else attn_mask
    weights = torch.softmax(_masked(scores, allowed), -1)
    if isinstance(allowed, Tensor) and not isinstance(allowed, Secret) and allowed.dtype == torch.bool:
        some = allowed.any(-1, keepdim=True)
        weights = weights if bool(some.all()) else weights * some
    return functional.dropout(weights, dropout_p, training=dropout_p > 0) @ value


def _masked(scores: Tensor, allowed: Tensor | None) -> Tensor:
    if allowed is None:
        return scores
    if allowed.dtype == torch.bool:
        return scores.masked_fill(~allowed, -math.inf)
    return scores + allowed
