"""Samples of operations on the bits of integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tacit.testing.samples._base import Sample, bits, sample, whole

_TYPES = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def bitwise() -> list[Sample]:
    """And, or, exclusive or, not, for every type, with public masks of either sign and across shapes and types."""
    samples = []
    for dtype in _TYPES:
        x, y, name = _any(dtype, 1), _any(dtype, 2), str(dtype).split(".")[1]
        for symbol, op in _LOGIC.items():
            samples.append(sample(f"{name} {symbol}", op, x, y, gradient=False))
        samples += [
            sample(f"{name} not", lambda x: ~x, x, gradient=False),
            sample(f"{name} & 1", lambda x: x & 1, x, gradient=False),
            sample(f"{name} & 0", lambda x: x & 0, x, gradient=False),
            sample(f"{name} | 80", lambda x: x | 80, x, gradient=False),
            sample(f"{name} ^ 127", lambda x: x ^ 127, x, gradient=False),
        ]
        if dtype.is_signed:
            samples += [
                sample(f"{name} & -8", lambda x: x & -8, x, gradient=False),
                sample(f"{name} | -100", lambda x: x | -100, x, gradient=False),
                sample(f"{name} ^ -1", lambda x: x ^ -1, x, gradient=False),
            ]
    x, y = whole(3, 4, low=-100, high=100), whole(4, low=-100, high=100)
    for symbol, op in _LOGIC.items():
        samples += [
            sample(f"integers {symbol} broadcast", op, x, y, gradient=False),
            sample(f"integers {symbol} a scalar", op, x, torch.tensor(-6), gradient=False),
            sample(f"integers {symbol} bits", op, x, bits(3, 4), gradient=False),
            sample(f"integers {symbol} themselves", lambda x, op=op: op(x, x), x, gradient=False),
            sample(f"integers {symbol} of a view", lambda x, op=op: op(x.t()[1:], 6), x, gradient=False),
            sample(f"a number {symbol} integers", lambda x, op=op: op(3, x), x, gradient=False),
            sample(f"integers {symbol}= in place", _on_copy(_name(op) + "_"), x, y, public=[1], gradient=False),
            sample(f"integers {symbol}= a number", _on_copy(_name(op) + "_", 9), x, gradient=False),
        ]
    return [
        *samples,
        sample("types of integers &", torch.bitwise_and, x.to(torch.int8), y, gradient=False),
        sample("a product & a number", lambda x, y: (x * y) & 15, x, y, gradient=False),
        sample("none & none", torch.bitwise_and, x[:0], y, gradient=False),
    ]


def shifts() -> list[Sample]:
    """Shifts of every type by numbers and tensors, by nothing and by everything."""
    samples = []
    for dtype in _TYPES:
        x, name, width = _any(dtype, 3), str(dtype).split(".")[1], torch.iinfo(dtype).bits
        for places in (0, 3, width - 1, width):
            samples += [
                sample(f"{name} << {places}", lambda x, places=places: x << places, x, gradient=False),
                sample(f"{name} >> {places}", lambda x, places=places: x >> places, x, gradient=False),
            ]
    x, by = whole(3, 4, low=-100, high=100), torch.tensor([0, 1, 5, 70])
    for name in ("__lshift__", "__rshift__", "bitwise_left_shift", "bitwise_right_shift"):
        inplace = f"{name}_" if name.startswith("b") else name.replace("__", "__i", 1)
        samples += [
            sample(f"{name} by a tensor", lambda x, name=name: getattr(x, name)(by), x, gradient=False),
            sample(f"{name} by a number", lambda x, name=name: getattr(x, name)(2), x, gradient=False),
            sample(f"{name} of one", lambda x, name=name: getattr(x[0, 0], name)(by), x, gradient=False),
            sample(f"{inplace} by a tensor", _on_copy(inplace, by), x, gradient=False),
            sample(f"{inplace} by a number", _on_copy(inplace, 2), x, gradient=False),
        ]
    return [*samples, sample("back and forth", lambda x: ((x << 5) >> 2) & 6, x, gradient=False)]


_LOGIC = {"&": torch.bitwise_and, "|": torch.bitwise_or, "^": torch.bitwise_xor}


def _name(op: Callable[..., Any]) -> str:
    return str(op.__name__)


def _any(dtype: torch.dtype, seed: int) -> Tensor:
    """Random and extreme numbers of a type; of int64, those that a secret may have."""
    low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    if dtype == torch.int64:
        low, high = 64 - (1 << 62), (1 << 62) - 64
    edges = torch.tensor([low, high, low + 1, high - 1, 0, 1, 2, 100])
    edges = edges.roll(seed)
    drawn = torch.randint(low, high, (8,), generator=torch.Generator().manual_seed(seed))
    return torch.stack([edges, drawn]).to(dtype)


def _on_copy(name: str, *fixed: Any) -> Callable[..., Tensor]:
    def run(x: Tensor, *others: Tensor) -> Tensor:
        target = x.clone()
        getattr(target, name)(*fixed, *others)
        return target

    return run
