"""Samples of views and of operations that move elements."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from tacit.testing.samples._base import Sample, bits, real, sample, whole


def views() -> list[Sample]:
    """Every view, also of a view, and what follows one."""
    x = real(3, 4)
    return [
        sample("view", lambda x: x.view(2, 6), x),
        sample("reshape of a transpose", lambda x: x.t().reshape(6, 2), x),
        sample("unsafe view", lambda x: x.view(3, 2, 2) @ torch.ones(2, 3), x),
        sample("t", lambda x: x.t(), x),
        sample("transpose", lambda x: x.transpose(0, 1) * 2, x),
        sample("permute", lambda x: x.permute(2, 0, 1), real(2, 3, 4)),
        sample("movedim", lambda x: x.movedim(0, -1).flatten(1), real(2, 3, 4)),
        sample("expand", lambda x: x.expand(3, 2, 4), real(2, 1)[:, :1].expand(2, 4).contiguous()),
        sample("expand of size 1", lambda x: x.expand(5, 3), real(1, 3)),
        sample("squeeze", lambda x: x.squeeze(), real(1, 3, 1)),
        sample("squeeze a dim", lambda x: x.squeeze(0), real(1, 3, 1)),
        sample("squeeze dims", lambda x: x.squeeze((0, 2)), real(1, 3, 1)),
        sample("unsqueeze", lambda x: x.unsqueeze(1), x),
        sample("slice", lambda x: x[1:, ::2], x),
        sample("select", lambda x: x[1], x),
        sample("narrow", lambda x: x.narrow(1, 1, 2), x),
        sample("unfold", lambda x: x.unfold(1, 2, 1), x),
        sample("diagonal", lambda x: x.diagonal(), real(4, 4)),
        sample("as_strided", lambda x: x.as_strided((2, 2), (4, 1), 1), x, gradient=False),
        sample("split", lambda x: x.split(2, 1), x),
        sample("split with sizes", lambda x: x.split([1, 3], 1), x),
        sample("chunk", lambda x: x.chunk(3, 0), x),
        sample("unbind", lambda x: x.unbind(1), x),
        sample("detach", lambda x: x.detach() + 1, x, gradient=False),
        sample("alias", lambda x: torch.ops.aten.alias(x) + 1, x, gradient=False),
        sample("iteration", lambda x: [row * 2 for row in x], x),
        sample("empty", lambda x: x[:0] * 2, x, gradient=False),
        sample("reshape alias", lambda x: torch.ops.aten._reshape_alias(x, [12], [1]), x, gradient=False),
    ]


def moves() -> list[Sample]:
    """Elements moved, repeated and added up."""
    x, y = real(3, 4), real(3, 4)
    return [
        sample("flip", lambda x: x.flip(0), x),
        sample("roll", lambda x: x.roll(1, 1), x),
        sample("repeat", lambda x: x.repeat(2, 1), x),
        sample("repeat_interleave", lambda x: x.repeat_interleave(2, 1), x),
        sample("tril", lambda x: x.tril(), x),
        sample("triu", lambda x: x.triu(1), x),
        sample("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), real(1, 4, 2, 2)),
        sample("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), real(1, 1, 4, 4)),
        sample("channel_shuffle", lambda x: F.channel_shuffle(x, 2), real(1, 4, 2, 2), gradient=False),
        sample("clone", lambda x: x.t().clone(), x),
        sample("contiguous", lambda x: x.t().contiguous(), x),
        sample("cat", lambda x, y: torch.cat([x, y, x], 1), x, y),
        sample("cat with nothing", lambda x, y: torch.cat([torch.zeros(0), x, y]), x, y),
        sample("cat of types", lambda x, y: torch.cat([x, y]), x, whole(2, 4), gradient=False),
        sample("stack", lambda x, y: torch.stack([x, y], -1), x, y),
        sample("pad", lambda x: F.pad(x, (1, 2)), x),
        sample("pad with a number", lambda x: F.pad(x, (0, 1, 1, 0), value=1.5), x),
        sample("pad bits", lambda x: F.pad(x, (1, 1), value=True), bits(3), gradient=False),
        sample("sum", lambda x: x.sum(), x),
        sample("sum a dim", lambda x: x.sum(1, keepdim=True), x),
        sample("sum dims", lambda x: x.sum((0, 2)), real(2, 3, 4)),
        sample("sum of integers", lambda x: x.sum(0), whole(3, 4), gradient=False),
        sample("sum of bits", lambda x: x.sum(1), bits(3, 4), gradient=False),
        sample("cumsum", lambda x: x.cumsum(1), x),
        sample("trace", lambda x: x.trace(), real(3, 3)),
        sample("where", lambda x, y: torch.where(torch.tensor([True, False, True, False]), x, y), x, y),
        sample("where secret", lambda c, x, y: torch.where(c > 0, x, y), real(3, 4), x, y),
        sample("where with numbers", lambda x: torch.where(x > 0, 1.5, -2.0), x, gradient=False),
        sample("where with a number", lambda x: torch.where(x > 0, x, 0.25), x),
        sample("where of bits", lambda x, y: torch.where(x > 0, y, ~y), x, bits(3, 4), gradient=False),
        sample("masked_fill", lambda x: x.masked_fill(torch.eye(3, 4, dtype=torch.bool), -3.0), x),
        sample("masked_fill secret", lambda x, y: x.masked_fill(y > 0, 2.0), x, y),
        sample("masked_fill tensor", lambda x, y: x.masked_fill(x > 0, y), x, torch.tensor(0.5), gradient=False),
    ]


def indices() -> list[Sample]:
    """Public indices into secrets."""
    x, rows, columns = real(4, 3), torch.tensor([2, 0, 2]), torch.tensor([[0, 1], [2, 2]])
    return [
        sample("index", lambda x: x[rows], x),
        sample("index pairs", lambda x: x[rows, torch.tensor([0, 1, 2])], x),
        sample("index by a mask", lambda x: x[torch.tensor([True, False, True, False])], x),
        sample("index_select", lambda x: x.index_select(1, torch.tensor([2, 0])), x),
        sample("gather", lambda x: x.gather(1, columns), x),
        sample("take_along_dim", lambda x: x.take_along_dim(columns[:, :1].repeat(2, 1), 1), x),
        sample("embedding", lambda x: F.embedding(columns, x, padding_idx=1), x),
        sample("masked_select", lambda x: x.masked_select(torch.eye(4, 3, dtype=torch.bool)), x),
        sample("index_put", lambda x, y: x.index_put((rows[:2],), y), x, real(2, 3)),
        sample("index_put added", lambda x, y: x.index_put((rows,), y, accumulate=True), x, real(3, 3), public=[1]),
        sample("index_add", lambda x, y: x.index_add(0, rows, y, alpha=2), x, real(3, 3), public=[1]),
        sample("scatter_add", lambda x, y: x.scatter_add(1, columns, y), x, real(2, 2), public=[1]),
        sample("scatter", lambda x, y: x.scatter(1, columns[:1], y), x, real(1, 2), public=[1]),
        sample("index_fill", lambda x: x.index_fill(1, torch.tensor([0, 2]), -1.5), x),
        sample("index_fill tensor", lambda x, y: x.index_fill(0, torch.tensor([1]), y), x, torch.tensor(0.5)),
        sample("masked_scatter", lambda x, y: x.masked_scatter(torch.eye(4, 3) > 0, y), x, real(3), gradient=False),
        sample("scatter a number", lambda x: x.scatter(1, columns, 1.5), x),
    ]


def factories() -> list[Sample]:
    """New tensors after the model of a secret, with secrets written into them."""

    def written(new: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        new[1:] = x[1:]
        return new + x

    x = real(3, 4)
    makers = {
        "zeros_like": torch.zeros_like,
        "ones_like": torch.ones_like,
        "full_like": lambda x: torch.full_like(x, 0.3),
        "empty_like": lambda x: torch.empty_like(x).fill_(2),
        "new_zeros": lambda x: x.new_zeros(3, 4),
        "new_ones": lambda x: x.new_ones(3, 4),
        "new_full": lambda x: x.new_full((3, 4), -1.25),
        "new_empty": lambda x: x.new_empty(3, 4).zero_(),
        "new_empty_strided": lambda x: x.new_empty_strided((3, 4), (1, 3)).zero_(),
    }
    return [
        *(sample(name, lambda x, make=make: written(make(x), x), x, gradient=False) for name, make in makers.items()),
        sample("zeros_like of a type", lambda x: torch.zeros_like(x, dtype=torch.int64) + 3, x, gradient=False),
    ]
