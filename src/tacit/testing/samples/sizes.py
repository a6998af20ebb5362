"""Tensors without dimensions and tensors without elements, in every family of operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from tacit.testing.samples._base import Sample, bits, real, sample, whole

_ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "exp": torch.exp,
    "log": lambda x: (x.abs() + 1).log(),
    "sqrt": lambda x: (x.abs() + 1).sqrt(),
    "reciprocal": lambda x: (x.abs() + 1).reciprocal(),
    "sigmoid": torch.sigmoid,
    "gelu": F.gelu,
    "sin": torch.sin,
    "abs": torch.abs,
    "floor": torch.floor,
    "clamp": lambda x: x.clamp(-1, 1),
    "square": torch.square,
    "greater": lambda x: (x > 0).to(x.dtype),
}
_OF_A_DIM: dict[str, Callable[..., Tensor]] = {
    "softmax": lambda x, dim: x.softmax(dim),
    "log_softmax": lambda x, dim: x.log_softmax(dim),
    "sum": lambda x, dim: x.sum(dim),
    "mean": lambda x, dim: x.mean(dim),
    "cumsum": lambda x, dim: x.cumsum(dim),
    "logsumexp": lambda x, dim: x.logsumexp(dim),
    "amax": lambda x, dim: x.amax(dim),
    "amin": lambda x, dim: x.amin(dim, keepdim=True),
    "max": lambda x, dim: x.max(dim).values,
    "argmax": lambda x, dim: x.argmax(dim, keepdim=True),
    "all": lambda x, dim: (x > 0).all(dim),
    "any": lambda x, dim: (x > 0).any(dim),
    "norm": lambda x, dim: torch.linalg.vector_norm(x, dim=dim),
}
_OF_NOTHING = ("softmax", "log_softmax", "sum", "cumsum", "all", "any", "norm")


def scalars() -> list[Sample]:
    """Tensors without dimensions: dimensions 0 and -1 are there all the same."""
    x, y, index = real(1)[0], real(1)[0], torch.tensor(0)
    several: dict[str, Callable[..., Tensor]] = {
        "mul": torch.mul,
        "div": lambda x, y: x / (y.abs() + 1),
        "maximum": torch.maximum,
        "where": lambda x, y: torch.where(x > y, x, y),
        "stack": lambda x, y: torch.stack([x, y]),
        "mse_loss": F.mse_loss,
    }
    taken: dict[str, Callable[[Tensor], Tensor]] = {
        "index_select": lambda x: x.index_select(0, index),
        "gather": lambda x: x.gather(0, index),
        "index_fill": lambda x: x.index_fill(0, index, 3.0),
        "masked_fill": lambda x: x.masked_fill(torch.tensor(True), 2.0),
        "index of None": lambda x: x[None, ..., None],
        "repeat": lambda x: x.repeat(2, 3),
        "expand": lambda x: x.expand(2, 3),
        "maximum of all": torch.max,
        "argmax of all": torch.argmax,
    }
    return [
        *(sample(f"{name} of a scalar", function, x, units=6) for name, function in _ELEMENTWISE.items()),
        *(sample(f"{name} of two scalars", function, x, y, units=4) for name, function in several.items()),
        *(
            sample(f"{name} of a scalar's", partial(function, dim=-1), x, units=6)
            for name, function in _OF_A_DIM.items()
        ),
        *(sample(f"{name} of a scalar", function, x) for name, function in taken.items()),
    ]


def empties() -> list[Sample]:
    """Tensors without elements, along the empty dimension and across it."""
    none, rows, row = real(0), real(3, 0), real(0, 3)
    return [
        *(sample(f"{name} of nothing", function, rows) for name, function in _ELEMENTWISE.items()),
        *(sample(f"{name} of 0 rows", partial(function, dim=1), row) for name, function in _OF_A_DIM.items()),
        *(sample(f"{name} along nothing", partial(_OF_A_DIM[name], dim=1), rows) for name in _OF_NOTHING),
        sample("sum of nothing", torch.sum, none),
        sample("products of nothing", lambda x, y: x * y + x / (y + 1), none, none),
        sample("choice of nothing", torch.where, bits(0), none, none),
        sample("cat of nothing", lambda x: torch.cat([x, x]), none),
        sample("cat of matrices with nothing", lambda x, y: torch.cat([x, y]), none, real(2, 2)),
        sample("cat of 0 rows", lambda x, y: torch.cat([x, y], 1), row, real(0, 2)),
        sample("stack of nothing", lambda x: torch.stack([x, x]), rows),
        sample("index of nothing", lambda x: x[torch.zeros(0, dtype=torch.int64)], real(3, 2)),
        sample("index_put of nothing", _put, real(3), none),
        sample("padded nothing", lambda x: F.pad(x, (1, 2), value=1.5), rows),
        sample("matmul of 0 rows", torch.matmul, row, real(3, 2)),
        sample("matmul over nothing", torch.matmul, rows, row),
        sample("bmm of nothing", torch.bmm, real(0, 2, 3), real(0, 3, 2)),
        sample("linear of 0 rows", F.linear, row, real(2, 3), real(2), public=[1]),
        sample("conv2d of nothing", F.conv2d, real(0, 2, 4, 4), real(3, 2, 3, 3), public=[1]),
        sample("max_pool2d of nothing", lambda x: F.max_pool2d(x, 2), real(0, 2, 4, 4)),
        sample("avg_pool2d of nothing", lambda x: F.avg_pool2d(x, 2), real(0, 2, 4, 4)),
        sample("layer_norm of 0 rows", lambda x, w: F.layer_norm(x, (3,), w), row, real(3)),
        sample("rms_norm of 0 rows", lambda x, w: F.rms_norm(x, (3,), w), row, real(3)),
        sample("group_norm of 0 rows", lambda x: F.group_norm(x, 2), real(0, 4, 2)),
        sample("embedding of nothing", lambda t: F.embedding(torch.zeros(0, dtype=torch.int64), t), real(5, 3)),
        sample("embedding of no numbers", lambda t, i: F.embedding(i, t), real(5, 3), whole(0, low=0, high=5)),
        sample(
            "attention without rows",
            F.scaled_dot_product_attention,
            *(real(0, 2, 4, 3) for _ in range(3)),
            gradient=False,
        ),
        sample("mse_loss of nothing", lambda x, y: F.mse_loss(x, y, reduction="sum"), none, none),
    ]


def _put(x: Tensor, values: Tensor) -> Tensor:
    return x.index_put((torch.zeros(0, dtype=torch.int64),), values)
