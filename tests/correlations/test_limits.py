"""Requests that are no requests, or absurd ones, are refused before memory is taken for them."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import fields
from typing import Any

import pytest

from tacit.correlations import elementary, limits, wire  # elementary: its kinds count too
from tacit.correlations.requests import Request
from tacit.errors import ProtocolAbort
from tacit.ring.bilinear import MATMUL, MUL, conv, conv_grad_input, conv_grad_weight

assert elementary


def mask(size: list[Any], stride: list[Any] | None = None, numel: Any = 64, number: Any = 1, offset: Any = 0) -> Any:
    return {"mask": [number, numel, size, stride if stride is not None else [1] * len(size), offset]}


SMALL = mask([4])
HUGE = 1 << 60


def product(op: Any, left: Any, right: Any, kind: str = "product", **rest: Any) -> dict[str, Any]:
    return {"kind": kind, "id": 9, "op": {"op": op.to_json()}, "left": left, "right": right, **rest}


def square(view: Any, number: Any = 9) -> dict[str, Any]:
    return {"kind": "square", "id": number, "mask": view}


def truncation(width: Any, shift: Any) -> dict[str, Any]:
    return {"kind": "truncation", "id": 9, "mask": SMALL, "width": width, "shift": shift}


def conjunctions(variables: Any, monomials: Any, nodes: Any = 1, words: Any = 1) -> dict[str, Any]:
    return {
        "kind": "conjunctions",
        "id": 9,
        "nodes": nodes,
        "words": words,
        "variables": variables,
        "monomials": monomials,
    }


VECTOR = mask([1 << 40], [0])
FAR = conv((1 << 40,), (1 << 40,), (1,))
FAR_GRADIENT = conv_grad_weight((1 << 40,), (1 << 40,), (1,), 1, (1, 1, 1))
ROW, BATCH = mask([1, 1, 1 << 20], [0] * 3), mask([1 << 20, 1 << 20, 1], [0] * 3)
IMAGE, KERNEL = mask([1, 1, 4]), mask([1, 1, 1])

ABSURD: dict[str, Any] = {
    "no object": [1, 2],
    "no kind": {"id": 9},
    "another kind": {"kind": "secret", "id": 9},
    "a kind that is no name": {"kind": ["square"], "id": 9},
    "a field too many": {**square(SMALL), "more": 1},
    "a field too few": {"kind": "square", "id": 9},
    "an id of zero": square(SMALL, 0),
    "an id beyond the streams": square(SMALL, 1 << 60),
    "an id that is a fraction": square(SMALL, 1.5),
    "an id that is a text": square(SMALL, "9"),
    "an id that is true": square(SMALL, True),
    "a mask that is a number": square(5),
    "a mask of half an element": square(mask([1.5])),
    "a mask of infinite size": square(mask([4], numel=float("inf"))),
    "a mask of 2**60 elements": square(mask([4], numel=HUGE)),
    "a view of 2**40 elements": square(VECTOR),
    "a view of many elements in many dimensions": square(mask([1 << 20] * 4, [0] * 4)),
    "a view beyond its mask": square(mask([65])),
    "a view before its mask": square(mask([4], offset=-1)),
    "a negative stride": square(mask([4], [-1], offset=10)),
    "a negative size": square(mask([-4])),
    "a stride too few": square(mask([4, 4], [1])),
    "a truncation of nothing": truncation(0, 0),
    "a truncation by all": truncation(40, 40),
    "a truncation beyond the ring": truncation(65, 1),
    "a negative truncation": truncation(64, -1),
    "tables of 10**12 bits": {"kind": "tables", "id": 9, "mask": SMALL, "low": 10**12, "top": True},
    "tables of 65 bits": {"kind": "tables", "id": 9, "mask": SMALL, "low": 64, "top": True},
    "tables with a strange top": {"kind": "tables", "id": 9, "mask": SMALL, "low": 8, "top": 1},
    "a conjunction of 60": conjunctions(60, [list(range(60))]),
    "a thousand conjunctions": conjunctions(8, [[0, 1]] * 1000),
    "a conjunction of strangers": conjunctions(2, [[0, 5]]),
    "no conjunction": conjunctions(2, []),
    "conjunctions at 2**50 places": conjunctions(2, [[0, 1]], 1 << 16, 1 << 34),
    "a choice of masks of other sizes": {"kind": "choice", "id": 9, "count": 5, "masks": [SMALL]},
    "a negative choice": {"kind": "choice", "id": 9, "count": -5, "masks": []},
    "an operation without a name": {**product(MUL, SMALL, SMALL), "op": {"op": {"name": "exec", "params": {}}}},
    "an operation that is a text": {**product(MUL, SMALL, SMALL), "op": "mul"},
    "shapes that do not fit": product(MUL, SMALL, mask([3])),
    "a product over 2**40 elements": product(MATMUL, mask([1, 1 << 40], [0, 0]), mask([1 << 40, 1], [0, 0])),
    "a product that repeats its operand": product(
        MATMUL, mask([1, 1, 1 << 20], [0] * 3), mask([1 << 20, 1 << 20, 1], [0] * 3)
    ),
    "a convolution with 2**40 zeros around": product(FAR, IMAGE, KERNEL),
    "a gradient with 2**40 zeros around": product(
        conv_grad_weight((1 << 40,), (1 << 40,), (1,), 1, (1, 1, 1)), IMAGE, mask([1, 1, 3])
    ),
    "a gradient of 2**40 elements": product(conv_grad_input((1,), (0,), (1,), 1, (1, 1, 1 << 40)), VECTOR, KERNEL),
    "an owner that is negative": product(MUL, SMALL, SMALL, "owned product", owner=-1, owns_left=True),
    "an owner on a strange side": product(MUL, SMALL, SMALL, "owned product", owner=0, owns_left=3),
}


@pytest.mark.parametrize("name", ABSURD)
def test_an_absurd_request_is_refused_before_memory_is_taken(name: str) -> None:
    data = json.dumps(ABSURD[name]).encode()
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolAbort):
            wire.decode(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"null", b"[" * 60_000, b'{"kind":' * 9_000, b"9" * 5_000])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolAbort):
        wire.decode(data)


def test_the_refusal_shows_nothing_of_what_was_sent() -> None:
    with pytest.raises(ProtocolAbort) as refusal:
        wire.decode(b'{"kind":"an opened value 123456789"}')
    assert "123456789" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_every_field_of_every_kind_has_a_bound() -> None:
    for kind in Request.kinds.values():
        for field in fields(kind):
            assert str(field.type) in limits._CHECKS, f"{kind.kind}: no check for {field.type}"
            if field.type == "int":
                assert field.name in limits._BOUNDS, f"{kind.kind}: no bound for {field.name}"
