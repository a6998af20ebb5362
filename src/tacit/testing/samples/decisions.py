"""Samples of comparisons, logic, ReLU and its kin, maxima and pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tacit.testing.samples._base import Sample, bits, numbers, real, sample, whole

_EXTREME = numbers(-(2.0**43), -1e6, -(2.0**-16), 0, 2.0**-16, 0.5, 1e6, 2.0**43)


def comparisons() -> list[Sample]:
    """Every comparison, with tensors and numbers, at equality and at the extremes."""
    x, y = real(3, 4), real(3, 4)
    y = torch.where(torch.eye(3, 4) > 0, x, y)
    operations = {
        "gt": torch.gt, "ge": torch.ge, "lt": torch.lt, "le": torch.le, "eq": torch.eq, "ne": torch.ne,
    }  # fmt: skip
    samples = []
    for name, op in operations.items():
        samples += [
            sample(name, op, x, y, gradient=False),
            sample(f"{name} a number", lambda x, op=op: op(x, 0.1), numbers(-1, 0.1, 0.5), gradient=False),
            sample(f"{name} zero", lambda x, op=op: op(x, 0), _EXTREME, gradient=False),
            sample(f"{name} extremes", op, _EXTREME, _EXTREME.flip(0), gradient=False),
            sample(f"{name} pending", lambda x, y, op=op: op(x * y, x), x, y, gradient=False),
            sample(f"{name} integers", op, whole(3, 4), whole(4), gradient=False),
            sample(f"{name} an integer", lambda x, op=op: op(x, 2), whole(3, 4), gradient=False),
            sample(f"{name} integers and a fraction", lambda x, op=op: op(x, 1.5), whole(3, 4), gradient=False),
            sample(f"{name} infinity", lambda x, op=op: op(x, float("inf")), x, gradient=False),
            sample(f"{name} nan", lambda x, op=op: op(x, float("nan")), x, gradient=False),
            sample(f"{name} bits", op, bits(3, 4), bits(3, 4), gradient=False),
            sample(f"{name} from the left", lambda x, op=op: op(torch.tensor(0.5), x), x, gradient=False),
        ]
    return [*samples, sample("isnan", torch.isnan, x, gradient=False)]


def logic() -> list[Sample]:
    """Operations on bits."""
    b, c = bits(3, 4), bits(3, 4)
    return [
        *(
            sample(op.__name__, op, b, c, gradient=False)
            for op in (torch.logical_and, torch.logical_or, torch.logical_xor)
        ),
        *(
            sample(op.__name__, op, b, bits(4), gradient=False)
            for op in (torch.bitwise_and, torch.bitwise_or, torch.bitwise_xor)
        ),
        sample("and a constant", lambda b: b & True, b, gradient=False),
        sample("or a constant", lambda b: b | False, b, gradient=False),
        sample("xor a constant", lambda b: b ^ True, b, gradient=False),
        sample("logical_not", torch.logical_not, b, gradient=False),
        sample("bitwise_not", lambda b: ~b, b, gradient=False),
        sample("all", torch.all, b, gradient=False),
        sample("any", torch.any, b, gradient=False),
        sample("all of five", lambda b: b.all(0), bits(5, 2) | bits(5, 2), gradient=False),
        sample("any of five", lambda b: b.any(0, keepdim=True), bits(5, 2) & bits(5, 2), gradient=False),
        sample("bits as numbers", lambda b: b.float(), b, gradient=False),
        sample("bits as integers", lambda b: b.long(), b, gradient=False),
        sample("numbers as bits", lambda x: x.bool(), whole(3, 4), gradient=False),
        sample("integers as reals", lambda x: x.double() / 2, whole(3, 4), gradient=False),
        sample("reals as reals", lambda x: x.double().to(torch.float32), real(3)),
    ]


def nonlinear() -> list[Sample]:
    """ReLU and what is made of it."""
    x, y = real(3, 4), real(3, 4)
    edges = numbers(-2, -1, -0.5, 0, 0.5, 1, 1.5, 6, 7)
    return [
        sample("relu", torch.relu, x),
        sample("relu extremes", torch.relu, _EXTREME),
        sample("relu pending", lambda x, y: torch.relu(x * y), x, y),
        sample("relu of a view", lambda x: torch.relu(x.t()[1:]), x),
        sample(
            "threshold_backward",
            lambda g, x: torch.ops.aten.threshold_backward(g, x, 0.5),
            x,
            y,
            public=[],
            gradient=False,
        ),
        sample("leaky_relu", lambda x: F.leaky_relu(x, 0.3), x),
        sample("hardtanh", F.hardtanh, edges),
        sample("relu6", F.relu6, edges),
        sample("clamp", lambda x: x.clamp(-0.5, 1.0), edges),
        sample("clamp min", lambda x: x.clamp(min=0.25), edges),
        sample("clamp max", lambda x: x.clamp(max=0.25), edges),
        sample("clamp at zero", lambda x: x.clamp(min=0), x),
        sample("clamp to a point", lambda x: x.clamp(1.0, 0.5), x, gradient=False),
        sample("clamp integers", lambda x: x.clamp(-1, 2), whole(3, 4), gradient=False),
        sample("clamp_min", lambda x: torch.clamp_min(x, 0.5), edges),
        sample("clamp_max", lambda x: torch.clamp_max(x, 0.5), edges),
        sample("abs", torch.abs, edges),
        sample("abs extremes", torch.abs, _EXTREME),
        sample("sign", torch.sign, _EXTREME, gradient=False),
        sample("sgn", torch.sgn, whole(3, 4), gradient=False),
    ]


def extremes() -> list[Sample]:
    """Maxima, minima and where they are, with ties."""
    x, y = real(3, 4), real(3, 4)
    ties = torch.tensor([[1.0, 3, 3, 2, 3], [5, 5, 5, 5, 5], [-1, -2, 0, 0, -7]])
    return [
        sample("maximum", torch.maximum, x, y),
        sample("minimum", torch.minimum, x, y),
        sample("maximum extremes", torch.maximum, _EXTREME, _EXTREME.flip(0), gradient=False),
        sample("maximum of types", torch.maximum, x, whole(4), gradient=False),
        sample("max", torch.max, x, gradient=False),
        sample("min", torch.min, x, gradient=False),
        sample("max of one", torch.max, real(1, 1), gradient=False),
        sample("max of a scalar", torch.max, real(), gradient=False),
        sample("amax", lambda x: x.amax(1), ties, gradient=False),
        sample("amax dims", lambda x: x.amax((0, 2), keepdim=True), real(2, 3, 4), gradient=False),
        sample("amin", lambda x: x.amin(0, keepdim=True), ties, gradient=False),
        sample("max dim", lambda x: tuple(x.max(1)), ties),
        sample("max dim kept", lambda x: tuple(x.max(0, keepdim=True)), real(5, 2)),
        sample("max dim of products", lambda x: (x * x).max(1)[0], ties),
        sample("min dim", lambda x: tuple(x.min(1)), ties),
        sample("argmax", lambda x: x.argmax(1), ties, gradient=False),
        sample("argmax of all", torch.argmax, ties, gradient=False),
        sample("argmax kept", lambda x: x.argmax(0, keepdim=True), ties, gradient=False),
        sample("argmin", lambda x: x.argmin(1), ties, gradient=False),
        sample("argmax used", lambda x: x.argmax(1) * 2 + 1, ties, gradient=False),
    ]


def _without_gradients(function: Callable[..., Any]) -> Callable[..., Any]:
    """There a ReLU waits until its result is used."""

    def run(*inputs: Tensor) -> Any:
        with torch.no_grad():
            return function(*inputs)

    return run


def _relu_under_views(x: Tensor) -> tuple[Tensor, ...]:
    base = x * 1.5
    view = base[0]
    base.relu_()
    other = x - 1
    row = other[1]
    row.relu_()
    risen = torch.relu(x)
    risen.sub_(1)
    risen[1].relu_()
    return view, other, risen


def _written_after_relu(x: Tensor) -> Tensor:
    x = x * 1.5
    y = torch.relu(x)
    x.neg_()
    return y + torch.relu(x)


def pooling() -> list[Sample]:
    """Pooling, with padding that must never win."""
    image, low = real(2, 2, 6, 5), real(1, 2, 5, 5, low=-5000, high=-4000)
    return [
        sample("max_pool2d", lambda x: F.max_pool2d(x, 2), image),
        sample("max_pool2d stride padding", lambda x: F.max_pool2d(x, 3, 2, 1), low),
        sample("max_pool2d ceil", lambda x: F.max_pool2d(x, 2, ceil_mode=True), image),
        sample("max_pool2d dilation", lambda x: F.max_pool2d(x, 2, 1, dilation=2), image),
        sample("max_pool2d indices", lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True), image),
        sample("max_pool2d ties", lambda x: F.max_pool2d(x, 2), torch.ones(1, 1, 4, 4)),
        sample("max_pool2d ties, overlapping", lambda x: F.max_pool2d(x, 3, 2, 1), (real(1, 2, 7, 6) > 0).float()),
        sample(
            "max_pool2d indices of ties",
            lambda x: F.max_pool2d(x, 3, 1, 1, return_indices=True),
            (real(1, 2, 5, 6) > 1).float(),
        ),
        sample("max_pool2d 5x5", lambda x: F.max_pool2d(x, 5, 1, 2), image),
        sample(
            "max_pool2d of relu", _without_gradients(lambda x: F.max_pool2d(F.relu(x), 3, 2, 1)), image, gradient=False
        ),
        sample(
            "max_pool2d of relu, indices",
            _without_gradients(lambda x: F.max_pool2d(F.relu(x - 3), 2, return_indices=True)),
            image,
            gradient=False,
        ),
        sample(
            "relu used twice",
            _without_gradients(lambda x: (F.max_pool2d(y := F.relu(x), 2), F.relu(y))),
            image,
            gradient=False,
        ),
        sample(
            "relu in place", _without_gradients(lambda x: F.max_pool2d((x * 1.5).relu_(), 2)), image, gradient=False
        ),
        sample("relu in place, seen by a view", _without_gradients(_relu_under_views), image, gradient=False),
        sample("relu of a value that is written to", _without_gradients(_written_after_relu), image, gradient=False),
        sample("max_pool2d of products", lambda x, y: F.max_pool2d(x * y, 2), image, real(2, 2, 6, 5)),
        sample("max_pool2d without a batch", lambda x: F.max_pool2d(x, (2, 1)), real(2, 4, 4)),
        sample("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), real(2, 3, 7)),
        sample("max_pool1d indices", lambda x: F.max_pool1d(x, 2, return_indices=True), real(2, 3, 6), gradient=False),
        sample("avg_pool2d", lambda x: F.avg_pool2d(x, 2), image),
        sample("avg_pool2d padding", lambda x: F.avg_pool2d(x, 3, 2, 1), image),
        sample("avg_pool2d without padding", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), image),
        sample("avg_pool2d ceil", lambda x: F.avg_pool2d(x, 2, ceil_mode=True), image),
        sample("avg_pool2d divisor", lambda x: F.avg_pool2d(x, 2, divisor_override=3), image),
        sample("avg_pool1d", lambda x: F.avg_pool1d(x, 3, 1, 1), real(2, 3, 7)),
        sample("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (4, 3)), image),
        sample("adaptive_avg_pool2d to one", lambda x: F.adaptive_avg_pool2d(x, 1), image),
        sample(
            "batch_norm",
            lambda x, w, b: F.batch_norm(x, torch.tensor([0.5, -1]), torch.tensor([2.0, 0.3]), w, b),
            image,
            real(2),
            real(2),
            units=12,
        ),
        sample("batch_norm plain", lambda x: F.batch_norm(x, torch.tensor([0.5, -1]), torch.tensor([2.0, 0.3])), image),
    ]
