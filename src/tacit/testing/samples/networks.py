"""Samples of what networks are made of: softmax, normalization, embeddings, attention, losses."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from tacit.testing.samples._base import Sample, bits, numbers, real, sample, whole


def softmaxes() -> list[Sample]:
    """Softmax and its kin, over any dimension, with masks and far apart."""
    x, far = real(3, 5), numbers(-1e6, -30, -5, 0, 1, 1.5, 1.5).repeat(2, 1)
    allowed = torch.tensor([True, False, True, True, False])
    additive = torch.zeros(5, dtype=torch.float32).masked_fill(~allowed, torch.finfo(torch.float32).min)
    return [
        sample("softmax", lambda x: x.softmax(-1), x, units=12),
        sample("softmax of a middle dim", lambda x: x.softmax(1), real(2, 3, 2), units=12),
        sample("softmax far apart", lambda x: x.softmax(-1), far, gradient=False, units=4),
        sample("softmax of one", lambda x: x.softmax(-1), real(3, 1), units=4),
        sample("softmax without dims", lambda x: x.softmax(0), real(1)[0], gradient=False),
        sample("softmax of 300", lambda x: x.softmax(-1), real(2, 300), gradient=False, units=4),
        sample("softmax pending", lambda x: (x * x).softmax(-1), x, units=60),
        sample("softmax under a mask", lambda x: (x + additive).softmax(-1), x, units=12),
        sample("softmax of filled", lambda x: x.masked_fill(~allowed, -math.inf).softmax(-1), x, units=12),
        sample("softmax of chosen", lambda x: torch.where(allowed, x, -math.inf).softmax(-1), x, units=12),
        sample("safe softmax", lambda x: torch.ops.aten._safe_softmax(x, -1), x, gradient=False, units=4),
        sample("log_softmax", lambda x: x.log_softmax(-1), x, units=20),
        sample("log_softmax of a first dim", lambda x: x.log_softmax(0), x, units=20),
        sample("logsumexp", lambda x: x.logsumexp(-1), x, units=20),
        sample("logsumexp of all", lambda x: x.logsumexp((0, 1), keepdim=True), x, units=20),
    ]


def norms() -> list[Sample]:
    """Normalizations, variances and norms."""
    x, image = real(4, 6), real(2, 4, 3, 3)
    w, b = real(6), real(6)
    c = real(4), real(4)
    big, tiny = real(3, 6) * 500, real(3, 6) / 64
    orders = (1, 2, 3, math.inf, -math.inf)
    return [
        sample("layer_norm", lambda x, w, b: F.layer_norm(x, (6,), w, b), x, w, b, units=60),
        sample("layer_norm of two dims", lambda x: F.layer_norm(x, (3, 3)), image, units=40),
        sample("layer_norm of big numbers", lambda x: F.layer_norm(x, (6,)), big, units=8),
        sample("layer_norm of tiny numbers", lambda x: F.layer_norm(x, (6,)), tiny, gradient=False, units=12),
        sample("rms_norm", lambda x, w: F.rms_norm(x, (6,), w, eps=1e-5), x, w, units=60),
        sample("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), image, *c, units=60),
        sample("instance_norm", lambda x: F.instance_norm(x), image, units=40),
        sample("batch_norm of a batch", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), image, *c, units=60),
        sample("batch_norm that learns", _running, image, c[0], c[1].abs(), public=[], units=60),
        sample("batch_norm with secrets", _secret_statistics, image, c[0], c[1].abs() + 0.5, public=[], units=150),
        sample("var", lambda x: x.var(1), x, units=12),
        sample("var of all", lambda x: torch.var(x, correction=0), x, units=12),
        sample("var_mean", lambda x: torch.var_mean(x, 0, keepdim=True), x, units=12),
        sample("std", lambda x: x.std(1), x, units=20),
        sample("std of an operation", lambda x: torch.ops.aten.std.correction(x, [1]), x, units=20),
        sample("std_mean of an operation", lambda x: torch.ops.aten.std_mean.correction(x, [1]), x, units=20),
        sample("pairwise_distance", lambda x, y: F.pairwise_distance(x, y, 3), x, x.flip(0), units=60),
        sample("std_mean", lambda x: torch.std_mean(x, 1), x, units=20),
        *(sample(f"norm {o}", lambda x, o=o: torch.linalg.vector_norm(x, o, 1), x, units=60) for o in orders),
        sample("norm 0", lambda x: torch.linalg.vector_norm(x, 0), whole(3, 4).double(), gradient=False),
        sample("norm of a type", lambda x: torch.linalg.vector_norm(x, dtype=torch.float64), x, units=20),
    ]


def _running(x: Tensor, mean: Tensor, var: Tensor) -> list[Tensor]:
    mean, var = mean.detach().clone(), var.detach().clone()
    return [F.batch_norm(x, mean, var, training=True), mean, var]


def _secret_statistics(x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    return F.batch_norm(x, mean.detach(), var.detach())


def lookups() -> list[Sample]:
    """Embeddings and losses of classes, by public and secret numbers."""
    table, ids = real(5, 3), whole(2, 4, low=0, high=5)
    logits, classes = real(4, 5), whole(4, low=0, high=5)
    image, labels = real(2, 3, 2, 2), whole(2, 2, 2, low=0, high=3)
    weights = torch.tensor([0.5, 1, 2, 0.25, 1], dtype=torch.float32)
    ignoring = torch.tensor([1, -100, 4, 0])
    chances, target = real(3, 4, low=0.1, high=0.9), real(3, 4, low=0, high=1)
    logits_of_two = F.binary_cross_entropy_with_logits
    return [
        sample("embedding by numbers", lambda t, i: F.embedding(i, t, padding_idx=2), table, ids),
        sample("embedding by a maximum", lambda t, x: F.embedding(x.argmax(-1), t), table, logits, public=[0]),
        sample("nll_loss", lambda x, c: F.nll_loss(x, c), logits, classes),
        sample("nll_loss with weights", lambda x: F.nll_loss(x, ignoring, weights.to(x)), logits),
        sample("nll_loss of each", lambda x: F.nll_loss(x, ignoring, weights.to(x), reduction="none"), logits),
        sample("nll_loss of images", lambda x: F.nll_loss(x, labels), image),
        sample("cross_entropy", F.cross_entropy, logits, classes, units=8),
        sample("smoothed cross_entropy", lambda x: F.cross_entropy(x, classes, label_smoothing=0.1), logits, units=8),
        sample("cross_entropy of chances", lambda x: F.cross_entropy(x, logits.abs().softmax(-1)), logits, units=20),
        sample("binary_cross_entropy", F.binary_cross_entropy, chances, target, units=30),
        sample("logit", torch.logit, chances, units=40),
        sample("logit within bounds", lambda x: torch.logit(x, 0.25), chances, units=40),
        sample("weighted binary_cross_entropy", _weighted, chances, target, units=60, public=[1]),
        sample("binary_cross_entropy_with_logits", logits_of_two, real(3, 4), target, units=16),
        sample(
            "binary_cross_entropy with weights",
            partial(logits_of_two, pos_weight=weights[:4]),
            real(3, 4),
            target,
            units=40,
            public=[1],
        ),
    ]


def _weighted(x: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy(x, target, weight=torch.arange(4).to(x), reduction="sum")


def attention() -> list[Sample]:
    """Attention with every kind of mask, several heads, dropout that drops nothing."""
    q, k, v = (real(2, 2, 4, 3, low=-2, high=2) for _ in range(3))
    attend = F.scaled_dot_product_attention
    allowed = torch.ones(4, 4, dtype=torch.bool).tril(1)
    additive = torch.zeros(4, 4, dtype=torch.float32).masked_fill(~allowed, -math.inf)
    nothing = allowed.clone()
    nothing[2] = False
    few = real(2, 1, 4, 3, low=-2, high=2)
    inputs, projection, out = real(4, 2, 6, low=-1, high=1), real(18, 6, low=-1, high=1), real(6, 6, low=-1, high=1)
    return [
        sample("attention", attend, q, k, v, units=90),
        sample("causal attention", partial(attend, is_causal=True), q, k, v, units=90),
        sample("attention under a mask", partial(attend, attn_mask=allowed), q, k, v, units=90, public=[]),
        sample("attention under a sum", partial(attend, attn_mask=additive), q, k, v, units=90, public=[]),
        sample("attention of nothing", partial(attend, attn_mask=nothing), q, k, v, units=90, public=[]),
        sample(
            "attention under a secret mask", _masked, q, k, v, bits(4, 4) | torch.eye(4).bool(), units=90, public=[3]
        ),
        sample("attention in groups", partial(attend, enable_gqa=True), q, few, few * 0.5, units=120, public=[]),
        sample("scaled attention", partial(attend, scale=0.25), q, k, v, units=90, public=[]),
        sample("heads", _heads, inputs, projection, out, units=400, public=[0]),
        sample("heads with weights", partial(_heads, weights=True), inputs, projection, out, units=400, public=[]),
        sample("dropout of nothing", lambda x: F.dropout(x, 0.0) + F.dropout2d(x, 0.5, training=False), q),
        sample("dropout of everything", lambda x: F.dropout(x, 1.0) + F.dropout2d(x, 1.0), q),
    ]


def _masked(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)


def _heads(x: Tensor, projection: Tensor, out: Tensor, weights: bool = False) -> list[Tensor]:
    padding = torch.tensor([[False, False, False, True], [False] * 4])
    result, found = F.multi_head_attention_forward(
        x, x, x, 6, 2, projection, None, None, None, False, 0.0, out, None,
        key_padding_mask=padding, need_weights=weights,
    )  # fmt: skip
    return [result, found] if found is not None else [result]
