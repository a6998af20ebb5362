"""Samples of smooth activations: near zero with gradients, and over the whole range without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from tacit.testing.samples._base import Sample, numbers, real, sample, whole

_WIDE = numbers(
    -(2.0**40), -1e6, -40, -13, -11.5, -6, -4.8, -3.1, -1, 0, 1, 3.1, 4.2, 4.8, 6, 11.5, 13, 40, 1e6, 2.0**40
)

ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "gelu": F.gelu,
    "gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
}


def smooth() -> list[Sample]:
    """Every smooth activation. An error of 5e-5 is 3.3 units; gradients are weighted by up to 2."""
    x, y = real(3, 4), real(3, 4)
    return [
        *(sample(name, function, x, units=12) for name, function in ACTIVATIONS.items()),
        *(sample(f"{name} far out", f, _WIDE, gradient=False, units=5) for name, f in ACTIVATIONS.items()),
        *(sample(f"{name} pending", lambda x, y, f=f: f(x * y), x, y, units=60) for name, f in ACTIVATIONS.items()),
        sample("sigmoid of integers", torch.sigmoid, whole(3, 4), gradient=False, units=5),
        sample("elu", F.elu, x, units=12),
        sample("selu", F.selu, x, units=12),
        sample("celu", lambda x: F.celu(x, 0.5), x, units=12),
        sample("elu_", lambda x: F.elu(x * 1, 1.5, inplace=True), x, units=16),
        sample("hardsigmoid", F.hardsigmoid, numbers(-4, -3, -1, 0, 2, 3, 5), units=3),
        sample("hardsigmoid_", lambda x: F.hardsigmoid(x * 1, inplace=True), x, gradient=False, units=3),
        sample("hardswish", F.hardswish, numbers(-4, -2.5, -1, 0, 2, 3.5, 5), units=12),
        sample("hardswish_", lambda x: F.hardswish(x * 1, inplace=True), x, gradient=False, units=6),
        sample("softplus with beta", lambda x: F.softplus(x, beta=2.0), x, units=12),
        sample("softplus with threshold", lambda x: F.softplus(x, threshold=1.0), x, units=12),
        sample(
            "gelu without a gradient", lambda x: F.gelu(x.detach()) + F.silu(x.detach()), x, gradient=False, units=9
        ),
    ]
