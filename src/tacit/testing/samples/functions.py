"""Samples of exponentials, logarithms, powers, roots, division and rounding: near one with gradients, far without."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from tacit.testing.samples._base import Sample, numbers, real, sample, whole

_EDGES = numbers(-7.5, -2.5, -2, -1.5, -1, -0.5, -(2.0**-16), 0, 2.0**-16, 0.5, 1, 1.5, 2.5, 3.5, 1e6 + 0.5)


def powers() -> list[Sample]:
    """Exponentials, logarithms and powers."""
    x, y = real(3, 4, low=-2, high=2), real(3, 4, low=0.5, high=4)
    return [
        sample("exp", torch.exp, x, units=20),
        sample(
            "exp far out",
            torch.exp,
            numbers(-1e6, -12, -5, 0, 3, 9, 15.25, 16, 20, 30),
            gradient=False,
            units=4,
            relative=4,
        ),
        sample("exp of integers", torch.exp, whole(4), gradient=False, units=6),
        sample("exp2", torch.exp2, x, units=20),
        sample("expm1", torch.expm1, x, units=20),
        sample("log", torch.log, y, units=30),
        sample("log far out", torch.log, numbers(2.0**-16, 2.0**-8, 1, 100, 1e6, 2.0**43), gradient=False, units=3),
        sample("log2", torch.log2, y, units=40),
        sample("log10", torch.log10, y, units=30),
        sample("log1p", torch.log1p, y, units=30),
        sample("pow -1", lambda y: y**-1, y, units=60),
        sample("pow -2", lambda y: y**-2, y, units=300),
        sample("pow 0.5", lambda y: y**0.5, y, units=20),
        sample("pow -0.5", lambda y: y**-0.5, y, units=60),
        sample("pow 1.7", lambda y: y**1.7, y, units=80),
        sample("pow 10", lambda x: x**10, real(3, 4, low=-1.25, high=1.25), units=200),
        sample("pow of tensors", lambda y, x: y**x, y, x, units=600),
        sample("pow of a number", lambda x: 3.0**x, x, units=60),
    ]


def division() -> list[Sample]:
    """Quotients, reciprocals and roots."""
    x, y = real(3, 4), real(3, 4, low=0.5, high=4)
    signs = torch.where(torch.arange(12).view(3, 4) % 2 > 0, 1.0, -1.0)
    wide = numbers(-(2.0**40), -1e6, -300, -0.25, 2.0**-10, 77 / 2**16, 0.3125, 3, 1000, 1e6, 2.0**43)
    return [
        sample("quotient", torch.div, x, y, units=60),
        sample("quotient by negatives", torch.div, x, y * signs, units=60),
        sample("quotient of shapes", torch.div, x, y[0], units=200),
        sample(
            "quotient of large numbers",
            torch.div,
            numbers(1e6, -3e7, 5e9),
            numbers(3e6, 7e6, 1e10),
            units=5,
            public=[0],
        ),
        sample("quotient of integers", torch.div, whole(3, 4), whole(3, 4, low=1, high=9), gradient=False, units=5),
        sample("number over a secret", lambda y: 1000.0 / y, y, units=9000),
        sample("one over a secret", lambda y: 1 / y, y, units=60),
        sample("division in place", lambda x, y: (x * 1).div_(y), x, y, units=60, public=[]),
        sample("reciprocal", torch.reciprocal, y * signs, units=60),
        sample("reciprocal far out", torch.reciprocal, wide, gradient=False, units=5, relative=4),
        sample("addcdiv by a secret", lambda x, y: torch.addcdiv(x, x, y, value=0.5), x, y, units=60, public=[]),
        sample("sqrt", torch.sqrt, y, units=20),
        sample("sqrt far out", torch.sqrt, wide.abs(), gradient=False, units=4),
        sample("rsqrt", torch.rsqrt, y, units=60),
        sample("rsqrt far out", torch.rsqrt, wide.abs(), gradient=False, units=5, relative=4),
        sample("cosine_similarity", F.cosine_similarity, x, x.flip(0), units=60, gradient=False),
        sample("normalize", lambda x: F.normalize(x, dim=1), x, units=40),
    ]


def inplace_functions() -> list[Sample]:
    """The forms that write into their argument, and so into what it is a view of."""
    y = real(3, 4, low=0.5, high=4)
    names = ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "reciprocal", "sqrt", "rsqrt", "sigmoid", "tanh")
    others = ("erf", "erfc", "floor", "ceil", "round", "trunc", "frac", "sin", "cos", "clamp_min", "clamp_max")
    bounded = {"clamp_min": (torch.full((4,), 1.5),), "clamp_max": (torch.full((4,), 1.5),)}

    def written(x: Tensor, name: str) -> Tensor:
        base = x * 1
        getattr(base[1:], f"{name}_")(*(bound.to(x.dtype) for bound in bounded.get(name, ())))
        return base

    return [
        *(sample(f"{name}_ of rows", partial(written, name=name), y, units=40) for name in (*names, *others)),
        sample("gelu_", lambda x: torch.ops.aten.gelu_(x * 1), y, gradient=False, units=5),
        sample("silu_", lambda x: F.silu(x * 1, inplace=True), y, units=12),
        sample("clamp between tensors", lambda x, low: x.clamp_min(low).clamp_max(low + 1), y, real(4)),
    ]


def rounding() -> list[Sample]:
    """Whole numbers and angles."""
    functions = {"floor": torch.floor, "ceil": torch.ceil, "round": torch.round, "trunc": torch.trunc}
    angles = numbers(-1e6, -100, -3.25, -1, 0, 1, 1.5, 3, 6.25, 1e4, 1e8)
    return [
        *(sample(name, function, _EDGES, units=0.5) for name, function in functions.items()),
        *(sample(f"{name} of integers", f, whole(3, 4), gradient=False) for name, f in functions.items()),
        sample("frac", torch.frac, _EDGES[:-1], units=0.5),
        sample("reals as integers", lambda x: x.long() * 2, _EDGES, gradient=False),
        sample("integers of a product", lambda x: (x * x).to(torch.int32), _EDGES[:-1], gradient=False),
        sample("round decimals", lambda x: torch.round(x, decimals=1), real(3, 4) + 0.01, gradient=False, units=3),
        sample("sin", torch.sin, angles[1:-2], units=8),
        sample("cos", torch.cos, angles[1:-2], units=8),
        sample("sin far out", torch.sin, angles, gradient=False, units=5),
        sample("cos far out", torch.cos, angles, gradient=False, units=5),
    ]
