"""The programs of the leak test: one for each primitive, on fixed inputs of 64 elements whose shares are fixed too.

With fixed shares nothing but the masks of the protocol can hide a value, which makes the test stricter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from tacit.functions import periodic
from tacit.functions.pooling import max_pool
from tacit.functions.range_reduction import reduce_range
from tacit.functions.windows import Windows
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share, Storage
from tacit.ring.bilinear import MATMUL, MUL, Bilinear, conv, conv_grad_input, conv_grad_weight
from tacit.ring.bits import pack_bits, unpack_bits
from tacit.ring.elementary import ExpRange, Wave
from tacit.settings import Settings
from tacit.testing.leaks import Program, stage

UNIT = 16
_WINDOWS = Windows.of((3, 3), (2,), (1,), (0,), (1,), False)
SHAPE = (8, 8)


def numbers(seed: int, shape: tuple[int, ...] = SHAPE, bits: int = 20) -> Tensor:
    """Fixed ring integers of both signs."""
    return torch.randint(-(1 << bits), 1 << bits, shape, generator=torch.Generator().manual_seed(seed))


def fixed(p: Protocol, value: Tensor, pending: int = 0) -> Share:
    """A secret (numbers at ``UNIT``, or bits) whose additive shares are the same in every run."""
    generator, boolean = torch.Generator().manual_seed(99), value.dtype == torch.bool
    whole = pack_bits(value.reshape(-1)) if boolean else value
    shares = [
        torch.randint(-(1 << 63), (1 << 63) - 1, whole.shape, generator=generator) for _ in range(p.party.world_size)
    ]
    for share in shares[1:]:
        whole = whole ^ share if boolean else whole - share
    part = whole if p.party.rank == 0 else shares[p.party.rank]
    part = unpack_bits(part, value.numel()).view(value.shape) if boolean else part.clone()
    return Share((part,), Storage(0, 0, True) if boolean else Storage(UNIT + pending, UNIT))


def owned(p: Protocol, value: Tensor, owner: int) -> Share:
    """A secret that ``owner`` knows in the clear."""
    unit, boolean = (0, True) if value.dtype == torch.bool else (UNIT, False)
    return p.share(value if p.party.rank == owner else None, owner, tuple(value.shape), unit, boolean)


@dataclass(frozen=True)
class Case:
    """A program, the settings it needs, and the stages that open the same once more (see ``leaks.find``)."""

    program: Program
    settings: Settings = field(default_factory=Settings)
    again: tuple[tuple[str, str], ...] = ()


def _products() -> Iterator[tuple[str, Case]]:
    window = ((1, 1), (1, 1), (2, 2), 1)
    image, kernel = (1, 4, 4, 4), (4, 4, 2, 2)
    shapes = {
        "mul": (MUL, SHAPE, SHAPE),
        "matmul": (MATMUL, SHAPE, SHAPE),
        "conv": (conv(*window), image, kernel),
        "conv gradient of the input": (conv_grad_input(*window, input_shape=image), image, kernel),
        "conv gradient of the weight": (conv_grad_weight(*window, weight_shape=kernel), image, image),
    }
    for name, (op, left, right) in shapes.items():
        yield name, Case(partial(_multiply, op=op, left=left, right=right))
    yield "square", Case(lambda p: [p.square(fixed(p, numbers(1)))])
    for owner in (0, 1):
        for side in ("left", "right"):
            yield f"matmul, {side} operand known to party {owner}", Case(partial(_owned, owner=owner, side=side))
        case = Case(partial(_owner_then_all, owner=owner), again=(("owner", "all"),))
        yield f"matmul, opened to party {owner}, then to all", case
    yield "matmul, operands known to two parties", Case(_owned_by_two)
    yield "two products with one operand", Case(_one_operand_twice)
    yield "product after a write", Case(_write)


def _multiply(p: Protocol, op: Bilinear, left: tuple[int, ...], right: tuple[int, ...]) -> list[Share]:
    return [p.multiply(op, fixed(p, numbers(1, left)), fixed(p, numbers(2, right)))]


def _owned(p: Protocol, owner: int, side: str) -> list[Share]:
    x, w = fixed(p, numbers(1)), owned(p, numbers(2), owner)
    return [p.multiply(MATMUL, *((w, x) if side == "left" else (x, w))), p.multiply(MATMUL, fixed(p, numbers(3)), w)]


def _owner_then_all(p: Protocol, owner: int) -> list[Share]:
    x, w = fixed(p, numbers(1)), owned(p, numbers(2), owner)
    stage(p, "owner")
    first = p.multiply(MATMUL, x, w)
    stage(p, "all")
    return [first, p.multiply(MATMUL, x, fixed(p, numbers(3)))]


def _owned_by_two(p: Protocol) -> list[Share]:
    return [p.multiply(MATMUL, owned(p, numbers(1), 0), owned(p, numbers(2), 1))]


def _one_operand_twice(p: Protocol) -> list[Share]:
    x = fixed(p, numbers(1))
    return [p.multiply(MATMUL, x, fixed(p, numbers(seed))) for seed in (2, 3)]


def _write(p: Protocol) -> list[Share]:
    x, y = fixed(p, numbers(1)), fixed(p, numbers(2))
    first = p.square(x)
    p.write(x, y)
    return [first, p.square(x)]


def _truncations() -> Iterator[tuple[str, Case]]:
    exact = Settings(truncation="exact")
    yield "truncate", Case(_truncate)
    yield "truncate exactly", Case(_truncate, exact)


def _truncate(p: Protocol) -> list[Share]:
    xs = [fixed(p, numbers(seed, bits=36), pending=16) for seed in (1, 2)]
    p.settle(*xs)
    return xs


def _comparisons() -> Iterator[tuple[str, Case]]:
    narrow = Settings(compare_bits=40)
    for suffix, settings in (("", Settings()), (", 40 bits", narrow)):
        yield f"compare{suffix}", Case(lambda p: p.compare(fixed(p, numbers(1)), [0]), settings)
        yield f"relu{suffix}", Case(_relu, settings)
        yield f"relu of a product{suffix}", Case(partial(_relu, pending=16), settings)
    yield "compare with three", Case(lambda p: p.compare(fixed(p, numbers(1)), [-(1 << 16), 0, 1 << 16]))
    yield "equals_zero", Case(lambda p: [p.equals_zero(fixed(p, numbers(1, bits=1)))])
    yield "relu, exact", Case(partial(_relu, pending=16), Settings(truncation="exact"))
    yield "relu and truncation", Case(_relu_and_settle)


def _relu(p: Protocol, pending: int = 0) -> list[Share]:
    return [p.relu(fixed(p, numbers(1, bits=20 + pending), pending))]


def _relu_and_settle(p: Protocol) -> list[Share]:
    x = fixed(p, numbers(1, bits=36), 16)
    y = p.relu(x)
    p.settle(x)
    return [x, y, *p.select(p.positive(x), [fixed(p, numbers(2))])]


def _choices() -> Iterator[tuple[str, Case]]:
    for count in (1, 3):
        for state in ("fresh", "open", "pending", "pending, settled"):
            yield f"select {count}, {state}", Case(partial(_select, count=count, state=state))
    yield "select_sums", Case(_select_sums)
    yield "both", Case(lambda p: [p.both(_bit(p, 1), _bit(p, 2))])
    for width in (64, 32, 13, 3):
        yield f"bits, {width}", Case(partial(_bits, width=width))
    yield "to_number", Case(lambda p: [p.to_number(_bit(p, 1), 0), p.to_number(_bit(p, 2), 0)])


def _bits(p: Protocol, width: int) -> list[Share]:
    """Of numbers of any size and of small ones, whose high bits all agree."""
    return [p.bits(fixed(p, numbers(seed, bits=size)), width) for seed, size in ((1, 62), (2, 4))]


def _bit(p: Protocol, seed: int) -> Share:
    return fixed(p, numbers(seed) >= 0)


def _select_sums(p: Protocol) -> list[Share]:
    bits = p.linear(lambda *parts: torch.stack(parts), *(_bit(p, seed) for seed in (8, 9)))
    sums = p.select_sums(bits, [fixed(p, numbers(seed)) for seed in (1, 2)])
    return [*(total((1, -1)) for total in sums)]


def _select(p: Protocol, count: int, state: str) -> list[Share]:
    pending = 16 if "pending" in state else 0
    xs = [fixed(p, numbers(seed, bits=20 + pending), pending) for seed in range(1, 1 + count)]
    squares = [p.square(x) for x in xs] if state == "open" else []
    return [*squares, *p.select(_bit(p, 9), xs, settle="settled" in state)]


def _functions() -> Iterator[tuple[str, Case]]:
    # A share of a table entry times a public number need not be uniform (an even number leaves it even), so it is not
    # among what is kept; a reveal hides it under a zero-share.
    yield (
        "exponential",
        Case(lambda p: _unkept(p.exponential(fixed(p, -numbers(1, bits=18).abs()), span=ExpRange(3, 1)))),
    )
    series = [Wave([1.0, 0.5], [0.5, 0.25]), Wave([0.25])]
    yield "max-pool", Case(lambda p: [max_pool(p, fixed(p, numbers(1, (8, 3, 3))), _WINDOWS).best])
    yield "waves", Case(lambda p: _unkept(p.waves(fixed(p, numbers(1)), 19, series)))
    yield "powers", Case(lambda p: p.powers(fixed(p, numbers(1, bits=12)), 3))
    yield "gelu", Case(lambda p: _unkept(periodic.gelu(p, fixed(p, numbers(1)))))
    yield "bracket", Case(lambda p: _unkept(_bracket_and_wave(p, fixed(p, numbers(1, bits=6).abs()))))


def _bracket_and_wave(p: Protocol, x: Share) -> list[Share]:
    """One opening serves the comparisons and the select of stacked bits; a wave of what they choose follows."""
    return p.waves(reduce_range(p, x, high=6).mantissa(), 62, [Wave([0.5])])


def _unkept(_: object) -> list[Share]:
    return []


def _disclosures() -> Iterator[tuple[str, Case]]:
    yield "share", Case(lambda p: [owned(p, numbers(1), 0), owned(p, numbers(2), 1), owned(p, numbers(3) >= 0, 0)])
    for to in (None, 0, 1):
        yield f"reveal to {'all' if to is None else to}", Case(partial(_reveal, to=to))


def _reveal(p: Protocol, to: int | None) -> list[Share]:
    x, bit = fixed(p, numbers(1)), _bit(p, 2)
    stage(p, "reveal")
    for share in (x, x, bit, bit):
        p.reveal(share, to)
    return []


CASES: dict[str, Case] = {
    name: case
    for family in (_products, _truncations, _comparisons, _choices, _functions, _disclosures)
    for name, case in family()
}
"""Every primitive, by name."""
