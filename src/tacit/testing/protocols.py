"""The conformance suite of protocols: every primitive against its meaning in the clear, on random and extreme values.

A new protocol passes when ``check`` does for each number of parties that it supports.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MATMUL, MUL, conv, conv_grad_input, conv_grad_weight
from tacit.ring.elementary import ExpRange, Wave, exp_offset
from tacit.runtime.launcher import run
from tacit.runtime.session import current
from tacit.settings import Settings

UNIT = 16
SHIFTS = (1, 16, 22)


@dataclass
class Finding:
    """One primitive on one kind of operands: the largest error in units of the last place, and the most allowed."""

    name: str
    error: int
    allowed: int


def check(settings: Settings, parties: int, seed: int = 0, device: str = "cpu") -> list[Finding]:
    """Run every primitive with ``parties`` parties. Raises AssertionError that lists what is wrong, by primitive."""
    names = [f"p{rank}" for rank in range(parties)]
    findings = run(_job, names, args=(seed,), settings=settings, device=device)["p0"]
    wrong = [f for f in findings if f.error > f.allowed]
    assert not wrong, "; ".join(f"{f.name}: off by {f.error} units, {f.allowed} allowed" for f in wrong)
    found: list[Finding] = findings
    return found


def _job(seed: int) -> list[Finding]:
    protocol = current().protocol
    findings = []
    for visibility in ("secret", "private 0", "private 1", "public"):
        case = _Case(protocol, seed, visibility)
        for result in _primitives(case):
            findings.append(Finding(f"{result[0]} ({visibility})", *case.error(*result[1:])))
    return findings


class _Case:
    """Operands of which the second one is secret to all, known to one party, or public."""

    def __init__(self, protocol: Protocol, seed: int, visibility: str) -> None:
        self.protocol = protocol
        self.visibility = visibility
        self._generator = torch.Generator().manual_seed(seed)

    def ring(self, *shape: int, bits: int) -> Tensor:
        """Random ring integers of up to ``bits`` bits and a sign."""
        return torch.randint(-(1 << bits), (1 << bits) + 1, shape, generator=self._generator)

    def secret(self, value: Tensor, pending: int = 0) -> Share:
        """A share that no party knows in the clear."""
        share = self.protocol.share(value if self.protocol.party.rank == 0 else None, 0, value.shape, UNIT)
        share.storage.known_by = share.storage.clear = None
        share.storage.scale += pending
        return share

    def other(self, value: Tensor, pending: int = 0) -> Share:
        """A share of the visibility that this case is about."""
        if self.visibility == "secret":
            return self.secret(value, pending)
        if self.visibility == "public":
            return self.protocol.public(value, UNIT, UNIT + pending)
        owner = int(self.visibility.split()[1])
        share = self.protocol.share(value if self.protocol.party.rank == owner else None, owner, value.shape, UNIT)
        share.storage.scale += pending
        return share

    def error(self, share: Share, expected: Tensor, allowed: int = 0) -> tuple[int, int]:
        """The largest difference of what is revealed from what is expected, in units."""
        value = self.protocol.reveal(share, None)
        assert value is not None
        assert value.shape == expected.shape
        return int((value.cpu().to(torch.int64) - expected).abs().max()), allowed


Result = tuple[str, Share, Tensor] | tuple[str, Share, Tensor, int]


def _primitives(case: _Case) -> Iterator[Result]:
    yield from _products(case)
    yield from _truncations(case)
    yield from _comparisons(case)
    yield from _choices(case)
    yield from _bits(case)
    yield from _elementary(case)


def _raw(share: Share) -> Share:
    """The same ring integers taken as settled: shows a product before its truncation."""
    share.storage.unit = share.storage.scale
    return share


def _products(case: _Case) -> Iterator[Result]:
    p = case.protocol
    x, y = case.ring(13, 9, bits=62), case.ring(13, 9, bits=62)
    yield "mul", _raw(p.multiply(MUL, case.secret(x), case.other(y), modular=True)), x * y
    yield "mul, mirrored", _raw(p.multiply(MUL, case.other(y), case.secret(x), modular=True)), x * y
    yield "mul, broadcast", _raw(p.multiply(MUL, case.secret(x), case.other(y[:1]), modular=True)), x * y[:1]
    yield "square", _raw(p.square(case.other(y), modular=True)), y * y
    w = case.ring(9, 5, bits=62)
    yield "matmul", _raw(p.multiply(MATMUL, case.secret(x), case.other(w), modular=True)), x @ w
    transposed = case.other(w.t().contiguous()).view(torch.t)
    yield "matmul, transposed view", _raw(p.multiply(MATMUL, case.secret(x), transposed, modular=True)), x @ w
    part = case.other(w).view(lambda part: part[:, 1:3])
    yield "matmul, part of a storage", _raw(p.multiply(MATMUL, case.secret(x), part, modular=True)), x @ w[:, 1:3]
    share = case.secret(x)
    p.multiply(MUL, share, case.other(y), modular=True)
    yield "matmul, operand opened before", _raw(p.multiply(MATMUL, share, case.other(w), modular=True)), x @ w
    image, kernel = case.ring(2, 4, 7, 6, bits=62), case.ring(6, 2, 3, 3, bits=62)
    span = ((2, 1), (1, 2), (1, 1), 2)
    op = conv(*span)
    expected = op(image, kernel)
    yield "conv", _raw(p.multiply(op, case.secret(image), case.other(kernel), modular=True)), expected
    gradient = case.ring(*expected.shape, bits=62)
    op = conv_grad_input(*span, tuple(image.shape))
    yield (
        "conv_grad_input",
        _raw(p.multiply(op, case.secret(gradient), case.other(kernel), modular=True)),
        op(gradient, kernel),
    )
    op = conv_grad_weight(*span, tuple(kernel.shape))
    yield (
        "conv_grad_weight",
        _raw(p.multiply(op, case.other(image), case.secret(gradient), modular=True)),
        op(image, gradient),
    )


def _truncations(case: _Case) -> Iterator[Result]:
    for shift in SHIFTS:
        x = torch.cat([case.ring(100, bits=61), case.ring(50, bits=shift), _extremes((1 << 61) - 1)])
        share = case.other(x, pending=shift)
        case.protocol.settle(share)
        yield f"truncate by {shift}", share, x >> shift, 1


def _extremes(limit: int) -> Tensor:
    edges = [0, 1, -1, 2, -2, (1 << 16) - 1, 1 << 16, -(1 << 16), limit, -limit, limit - 1, 1 - limit]
    return torch.tensor(edges, dtype=torch.int64)


def _comparisons(case: _Case) -> Iterator[Result]:
    p = case.protocol
    limit = (1 << (p.settings.compare_bits - 2)) - 1
    x = torch.cat([case.ring(90, bits=p.settings.compare_bits - 3), case.ring(40, bits=3), _extremes(limit // 2)])
    thresholds = [0, 1, -(1 << 15), limit // 2]
    for t, bits in zip(thresholds, p.compare(case.other(x), thresholds), strict=True):
        yield f"compare with {t}", bits, (x >= t).to(torch.int64)
    yield "equals_zero", p.equals_zero(case.other(x)), (x == 0).to(torch.int64)
    yield "relu", p.relu(case.other(x)), x.clamp(min=0)
    view = case.other(x).view(lambda part: part[3:77])
    yield "relu, part of a storage", p.relu(view), x[3:77].clamp(min=0)
    yield "relu, pending", p.relu(case.other(x, pending=16)), (x >> 16).clamp(min=0), 1
    whole = (x >> 16) << 16  # whether a fraction of a unit is positive depends on its rounding
    share = case.other(whole, pending=16)
    yield "relu of whole units, pending", p.relu(share), (whole >> 16).clamp(min=0), 1
    yield "its positive part", p.positive(share), (whole > 0).to(torch.int64)
    yield "relu, pending and kept so", _raw(p.relu(case.other(x, pending=16), settle=False)), x.clamp(min=0)


def _choices(case: _Case) -> Iterator[Result]:
    p = case.protocol
    x, y, c = case.ring(70, bits=62), case.ring(70, bits=62), case.ring(70, bits=3)
    bit = p.compare(case.secret(c), [0])[0]
    yield "select", p.select(bit, [case.other(x)])[0], x * (c >= 0)
    first, second = p.select(p.compare(case.other(c), [0])[0], [case.secret(x), case.other(y)])
    yield "select of two, the first", first, x * (c >= 0)
    yield "select of two, the second", second, y * (c >= 0)
    (joined,) = p.select(p.compare(case.secret(c), [0])[0], [case.other(x, pending=16)], settle=True)
    yield "select and truncate", joined, (x >> 16) * (c >= 0), 1
    pairs = p.select_pairs([(bit, case.other(y)), (p.invert(bit), case.secret(x)), (bit, case.secret(x))])
    for name, chosen, meaning in zip("abc", pairs, (y * (c >= 0), x * (c < 0), x * (c >= 0)), strict=True):
        yield f"select_pairs, {name}", chosen, meaning
    row = p.compare(case.secret(c[:7]), [0])[0]
    yield "select, broadcast", p.select(row, [case.other(x.view(10, 7))])[0], x.view(10, 7) * (c[:7] >= 0)
    stack, weights = torch.stack([c[:35], c[35:]]).view(2, 5, 7), (-3, (1 << 62) + 5)
    a, b = x[:35].view(5, 7), y[:35].view(5, 7)
    exact = (stack >= 0) * torch.tensor(weights).view(2, 1, 1)
    bits = p.compare(case.secret(stack), [0])[0]
    sums = p.select_sums(bits, [case.secret(a), case.other(b).view(torch.t).view(torch.t)])
    values = torch.ones_like(a), a, b
    for name, total, value in zip(("weights", "first", "second"), sums, values, strict=True):
        yield f"select_sums, {name}", total(weights), (exact * value).sum(0)
        yield f"select_sums, {name} again", total((1, 2)), ((stack >= 0) * torch.tensor([[[1]], [[2]]]) * value).sum(0)


def _bits(case: _Case) -> Iterator[Result]:
    p = case.protocol
    x, y = case.ring(70, bits=2), case.ring(70, bits=2)
    a, b = p.compare(case.secret(x), [0])[0], p.compare(case.other(y), [0])[0]
    functions: list[tuple[str, Callable[[Share, Share], Share], Callable[[Tensor, Tensor], Tensor]]] = [
        ("both", p.both, torch.logical_and),
        ("xor", p.xor, torch.logical_xor),
        ("invert", lambda one, _: p.invert(one), lambda one, _: ~one),
    ]
    for name, function, meaning in functions:
        yield name, function(a, b), meaning(x >= 0, y >= 0).to(torch.int64)
        yield f"{name}, mirrored", function(b, a), meaning(y >= 0, x >= 0).to(torch.int64)
    yield "to_number", p.to_number(b, UNIT), (y >= 0).to(torch.int64) << UNIT
    z = torch.cat([case.ring(80, bits=62), _extremes((1 << 63) - 1), torch.tensor([-(1 << 63)])])
    for width in (1, 3, 4, 5, 8, 13, 20, 24, 32, 33, 63, 64):
        found = p.bits(case.other(z), width)
        yield f"{width} bits", found, _low_bits(z, width)
        yield f"number of {width} bits", p.number_of(found), z & ((1 << width) - 1) if width < 64 else z
        narrow = (z << (64 - width)) >> (64 - width)
        yield f"signed number of {width} bits", _raw(p.number_of(found, UNIT, signed=True)), narrow << UNIT
    part = case.other(z.view(31, 3)).view(lambda part: part[2:9].t())
    yield "bits of a part of a storage", p.bits(part, 9), _low_bits(z.view(31, 3)[2:9].t(), 9)


def _low_bits(value: Tensor, width: int) -> Tensor:
    return torch.stack([(value >> j) & 1 for j in range(width)])


def _elementary(case: _Case) -> Iterator[Result]:
    p = case.protocol
    x = torch.cat([-case.ring(200, bits=20).abs(), torch.tensor([0, -1, -(1 << 16), -(31 << 16) + 1])])
    for shift in (0, 22):
        moved = case.other(x + (exp_offset(shift) << 16))
        _, share = p.exponential(moved, shifts=(3, shift))
        p.settle(share)
        largest = math.exp(exp_offset(shift)) / 2**shift
        expected = (torch.exp(x.double() / 2**16) * largest * 2**30).round().to(torch.int64)
        yield f"exponential, {shift} bits down, scale 30", share, expected, 1024
        for step in (1, 2, 3):
            inside = x > ((1 << step) - 32) << 16
            (share,) = p.exponential(
                case.other(x[inside] + (exp_offset(shift) << 16)), (shift,), ExpRange(step_bits=step)
            )
            p.settle(share)
            yield f"exponential, {shift} bits down, steps of {1 << step}", share, expected[inside], 1024
    y = torch.cat([case.ring(200, bits=40), _extremes((1 << 61) - 1)])
    turns = (y & ((1 << 19) - 1)).double() / 2**19 * 2 * torch.pi
    for row, share in zip(_SERIES, p.waves(case.other(y), 19, _SERIES), strict=True):
        wave = sum(row.at(k)[0] * torch.sin(k * turns) + row.at(k)[1] * torch.cos(k * turns) for k in range(5))
        p.settle(share)
        yield f"waves of {row.terms} terms", share, (torch.as_tensor(wave) * 2**UNIT).round().to(torch.int64), 2
    z = case.ring(200, bits=20)
    for k, share in enumerate(p.powers(case.other(z), 4), start=2):
        yield f"power {k}", _raw(share), z**k


_SERIES = [Wave([1.0]), Wave([0.5, -0.25, 0.125, 1e-3]), Wave([0.5], [3.0, 0.125, 0.0, -0.25])]
