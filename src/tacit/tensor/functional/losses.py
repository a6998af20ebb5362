"""Losses whose gradients PyTorch has as one operation: here autograd takes those of the operations they are made of."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from tacit.tensor.caught import caught


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


@caught(functional.soft_margin_loss)
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Tensor:
    """``log(1 + exp(-target * input))``: a softplus; error 3e-5, over the whole range."""
    return _reduced(functional.softplus(-target * input), reduction)


@caught(functional.multi_margin_loss)
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """``sum(max(0, margin - x[y] + x[i])**p) / C`` over the other classes: a ReLU for each score."""
    scores, classes = (input.unsqueeze(0), target.reshape(1)) if input.dim() < 2 else (input, target)
    if not input.dim():
        scores = scores.unsqueeze(-1)
    own = scores.gather(1, classes.unsqueeze(1))
    excess = (margin - own + scores).relu()
    excess = excess * excess if p == 2 else excess
    if weight is not None:
        excess = excess * weight[classes].unsqueeze(1)
    mine = (classes.unsqueeze(1) == torch.arange(scores.shape[1])).to(scores.dtype)
    losses = (excess * (1 - mine)).sum(1) / scores.shape[1]
    return _reduced(losses.squeeze(0) if input.dim() < 2 else losses, reduction)


@caught(functional.multilabel_margin_loss)
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Tensor:
    """Every class of the target, up to the first -1, against every other: a ReLU for each pair."""
    count = input.shape[-1] if input.dim() else 1
    scores, classes = input.reshape(-1, count), target.reshape(-1, count)
    listed = (classes < 0).to(torch.int64).cumsum(1) == 0
    places = classes.clamp(min=0)
    hits = ((places.unsqueeze(-1) == torch.arange(count)) & listed.unsqueeze(-1)).any(1)
    own = scores.gather(1, places)
    pairs = (1 - own.unsqueeze(-1) + scores.unsqueeze(1)).relu()
    counted = listed.unsqueeze(-1) & ~hits.unsqueeze(1)
    losses = (pairs * counted.to(scores.dtype)).sum((1, 2)) / count
    return _reduced(losses.reshape(input.shape[:-1]) if input.dim() > 1 else losses.squeeze(0), reduction)


@caught(functional.gaussian_nll_loss)
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """``(log(var) + (input - target)**2 / var) / 2``: a logarithm and a division. var counts as at least eps.

    PyTorch refuses negative variances; whether there are any is not looked at here.
    """
    spread = torch.full_like(input, var) if not isinstance(var, Tensor) else var
    if spread.shape != input.shape and input.shape[:-1] == spread.shape:
        spread = spread.unsqueeze(-1)
    spread = spread + (spread.detach().clamp(min=eps) - spread.detach())
    losses = (spread.log() + (input - target) ** 2 / spread) / 2
    return _reduced(losses + math.log(2 * math.pi) / 2 if full else losses, reduction)
