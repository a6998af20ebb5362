"""The numeric functions over their whole ranges, each with the error that its docstring declares (16 fraction bits)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from tacit.functions import exponential, logarithm, normalization, periodic, power, reciprocal, roots, rounding, softmax
from tacit.functions import trigonometry as angles
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.testing.accuracy import Sweep, secret

UNIT = 16
HALF = 2.0 ** -(UNIT + 1)
LARGEST = 2.0 ** (61 - UNIT)
LN2 = math.log(2)


def elementwise() -> list[Sweep]:
    """Every function of one number or of two, over all that can be represented, and pending where that matters."""
    everything, half_way = grid(-LARGEST, LARGEST), grid(-(2.0**28), 2.0**28)
    window = rounded(torch.linspace(-17, 33, 4000, dtype=torch.float64))
    return [
        Sweep("sigmoid", periodic.sigmoid, (everything,), torch.sigmoid, 0, units(2.5e-5)),
        Sweep("sigmoid, pending", periodic.sigmoid, (half_way,), torch.sigmoid, 0, units(2.5e-5), UNIT),
        Sweep("tanh", periodic.tanh, (everything,), torch.tanh, 0, units(3.5e-5)),
        Sweep("erf", periodic.erf, (everything,), torch.erf, 0, units(2e-5)),
        Sweep("normal", periodic.normal, (everything,), torch.special.ndtr, 0, units(2e-5)),
        Sweep("gelu", periodic.gelu, (everything,), functional.gelu, 0, units(2.5e-5)),
        Sweep("gelu, pending", periodic.gelu, (half_way,), functional.gelu, 0, units(2.5e-5), UNIT),
        Sweep("gelu, tanh", _tanh_gelu, (everything,), partial(functional.gelu, approximate="tanh"), 0, units(2.5e-5)),
        Sweep("gelu, slope", _slope(periodic.gelu_and_slope), (everything,), _gelu_slope, 0, units(3e-5)),
        Sweep("silu", periodic.silu, (everything,), functional.silu, 0, units(3.5e-5)),
        Sweep("silu, slope", _slope(periodic.silu_and_slope), (everything,), _silu_slope, 0, units(3.5e-5)),
        Sweep("softplus", periodic.softplus, (everything,), _softplus, 0, units(2.5e-5)),
        Sweep("exp", exponential.exp, (everything,), _exp, 5e-5, 2),
        Sweep("exp, close up", exponential.exp, (window,), _exp, 5e-5, 2),
        Sweep("log", logarithm.logarithm, (everything,), lambda x: x.clamp(min=HALF).log(), 0, 1.5),
        Sweep("reciprocal", reciprocal.reciprocal, (everything,), _reciprocal, 5e-5, 2),
        Sweep(
            "reciprocal, positive",
            partial(reciprocal.reciprocal, positive=True),
            (grid(0, 2 * LARGEST),),
            _reciprocal,
            5e-5,
            2,
        ),
        Sweep("divide", reciprocal.divide, _quotients(), torch.div, 5e-5, 3),
        Sweep("sqrt", roots.square_root, (everything,), lambda x: x.clamp(min=0).sqrt(), 1e-5, 2),
        Sweep("rsqrt", roots.inverse_root, (everything,), lambda x: x.clamp(min=HALF).rsqrt(), 2e-5, 2),
        Sweep("rsqrt, pending", roots.inverse_root, (half_way,), _pending_rsqrt, 2e-5, 2, UNIT),
        Sweep("sin", angles.sine, (grid(-(2.0**20), 2.0**20),), torch.sin, 0, 2),
        Sweep("cos", angles.cosine, (grid(-(2.0**29), 2.0**29),), torch.cos, 0, 4),
        Sweep("floor", rounding.floor, (everything,), torch.floor, 0, 0.01),
        Sweep("ceil", rounding.ceil, (everything,), torch.ceil, 0, 0.01),
        Sweep("round", rounding.round_to_even, (torch.cat([everything, HALVES]),), torch.round, 0, 0.01),
        Sweep("power 5", partial(power.power, exponent=5.0), (grid(-60, 60),), lambda x: x**5, 1e-4, 5),
        Sweep("power -2", partial(power.power, exponent=-2.0), (grid(-60, -0.01),), lambda x: x**-2, 1e-4, 3),
        Sweep("power 1.7", partial(power.power, exponent=1.7), (grid(2.0**-UNIT, 1e5),), lambda x: x**1.7, 1e-4, 3),
        Sweep("power -0.5", partial(power.power, exponent=-0.5), (grid(2.0**-UNIT, 1e9),), torch.rsqrt, 2e-5, 2),
        Sweep("power, secret", power.secret_power, _powers(), torch.pow, 1e-4, 3),
    ]


def rows() -> list[Sweep]:
    """Softmax, its kin and the norms, for rows of many lengths and sizes."""
    out = []
    for length, spread in ((1, 3.0), (2, 3.0), (15, 3.0), (16, 1e4), (300, 1e-3), (300, 3.0), (300, 1e4), (50257, 3.0)):
        x = rounded(normal(max(1, 600 // length), length) * spread)
        out.append(Sweep(f"softmax {length}, {spread}", softmax.softmax, (x,), partial(torch.softmax, dim=-1), 1e-4, 2))
        if length < 1000:
            log = partial(torch.log_softmax, dim=-1)
            out.append(Sweep(f"log_softmax {length}, {spread}", softmax.log_softmax, (x,), log, 0, 2))
            total = partial(torch.logsumexp, dim=-1)
            out.append(Sweep(f"logsumexp {length}, {spread}", softmax.logsumexp, (x,), total, 0, 2))
    x, mask = rounded(normal(16, 32) * 3), normal(16, 32) > -0.5
    mask[3] = False
    out += [
        Sweep("softmax, pending", softmax.softmax, (x,), partial(torch.softmax, dim=-1), 1e-4, 2, UNIT),
        Sweep("softmax, public mask", partial(softmax.softmax, mask=mask), (x,), partial(_masked, mask=mask), 1e-4, 2),
        Sweep("softmax, secret mask", partial(_secretly_masked, mask=mask), (x,), partial(_masked, mask=mask), 1e-4, 2),
    ]
    for size, spread, mean in (
        (2, 1.0, 0.0),
        (3, 1e-3, 100.0),
        (768, 1e-3, 1.0),
        (768, 1.0, 0.0),
        (768, 1e3, 100.0),
        (4096, 300.0, 1000.0),
    ):
        x = rounded(normal(max(2, 1500 // size), size) * spread + mean)
        out.append(Sweep(f"layer_norm {size}, {spread}, {mean}", _layer_norm, (x,), _true_layer_norm, 1e-4, 3))
    x = rounded(normal(2, 768) * 1e-3)
    tiny = partial(_true_layer_norm, eps=1e-12)
    out.append(Sweep("layer_norm, tiny eps", partial(_layer_norm, eps=1e-12), (x,), tiny, 1e-4, 8))
    out += [
        Sweep(f"rms_norm {spread}", _rms_norm, (rounded(normal(2, 768) * spread),), _true_rms_norm, 1e-4, 2)
        for spread in (1e-3, 1.0, 1e3)
    ]
    return out


def grid(low: float, high: float) -> Tensor:
    """Numbers of [low, high] that have a representation: near 0 each, others evenly and logarithmically spaced."""
    near = torch.arange(-200, 201, dtype=torch.float64) * 2.0**-UNIT
    even = torch.linspace(-25, 25, 2001, dtype=torch.float64)
    end = math.log2(max(abs(low), abs(high)))
    large = 2.0 ** torch.linspace(-UNIT, end, 1000, dtype=torch.float64)
    ends = torch.tensor([low, high], dtype=torch.float64)
    x = rounded(torch.cat([near, even, large, -large, ends]))
    return x[(x >= low) & (x <= high) & (x.abs() < 2 * LARGEST)]


def rounded(x: Tensor) -> Tensor:
    """The nearest numbers that have a representation."""
    return (x * 2.0**UNIT).round() * 2.0**-UNIT


def normal(*shape: int) -> Tensor:
    """Normally distributed numbers, always the same."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def units(error: float) -> float:
    """An absolute error in units of the last place."""
    return error * 2.0**UNIT


HALVES = torch.arange(-9, 10, dtype=torch.float64) / 2


def _quotients() -> tuple[Tensor, Tensor]:
    random = normal(4, 4000)
    x = rounded(random[0].sign() * 2.0 ** (torch.special.ndtr(random[1]) * 49 - UNIT))
    y = rounded(random[2].sign() * 2.0 ** (torch.special.ndtr(random[3]) * 60 - UNIT))
    within = (y != 0) & (x.abs() < 2.0**25.9 * y.abs())
    return x[within], y[within]


def _powers() -> tuple[Tensor, Tensor]:
    random = normal(2, 3000)
    x, y = rounded(2.0 ** (random[0] * 4)).clamp(min=2.0**-UNIT), rounded(random[1] * 2)
    within = x.pow(y) < 2.0**40
    return x[within], y[within]


def _exp(x: Tensor) -> Tensor:
    return x.clamp(max=(61 - UNIT) * LN2).exp()


def _softplus(x: Tensor) -> Tensor:
    return torch.logaddexp(x, torch.zeros_like(x))


def _reciprocal(x: Tensor) -> Tensor:
    return torch.where(x == 0, 0, 1 / x)


def _pending_rsqrt(x: Tensor) -> Tensor:
    return x.clamp(min=2.0 ** -(2 * UNIT + 1)).rsqrt()


def _tanh_gelu(protocol: Protocol, x: Share) -> Share:
    return periodic.gelu(protocol, x, tanh_form=True)


def _slope(function: Callable[..., tuple[Share, Share]]) -> Callable[..., Share]:
    return lambda protocol, x: function(protocol, x)[1]


def _gelu_slope(x: Tensor) -> Tensor:
    below: Tensor = torch.special.ndtr(x)
    return below + x * torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _silu_slope(x: Tensor) -> Tensor:
    s = torch.sigmoid(x)
    return s + x * s * torch.sigmoid(-x)


def _masked(x: Tensor, mask: Tensor) -> Tensor:
    return x.masked_fill(~mask, -math.inf).softmax(-1).nan_to_num(0)


def _secretly_masked(protocol: Protocol, x: Share, mask: Tensor) -> Share:
    number = secret(protocol, mask.double())
    return softmax.softmax(protocol, x, protocol.compare(number, [1])[0])


def _layer_norm(protocol: Protocol, x: Share, eps: float = 1e-5) -> Share:
    return normalization.normalize(protocol, x, eps).value


def _true_layer_norm(x: Tensor, eps: float = 1e-5) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], eps=eps)


def _rms_norm(protocol: Protocol, x: Share) -> Share:
    return normalization.normalize(protocol, x, 1e-6, centered=False).value


def _true_rms_norm(x: Tensor) -> Tensor:
    return functional.rms_norm(x, x.shape[-1:], eps=1e-6)
