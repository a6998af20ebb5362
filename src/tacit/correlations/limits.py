"""What a request may ask for: every number in it is bounded before the source takes any memory for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from math import prod
from typing import Any

from tacit.correlations.masks import MaskView
from tacit.correlations.requests import Request
from tacit.ring.bilinear import Bilinear

MAX_ID = 1 << 47
"""Ids number streams, ``OUTPUTS_PER_REQUEST`` for each id."""

MAX_ELEMENTS = 1 << 32
"""Elements of a mask, of a view of one, and of what an operation takes room for."""

_MONOMIAL_VARIABLES = 8
_BOUNDS: dict[str, tuple[int, int]] = {
    "id": (1, MAX_ID),
    "owner": (0, 1 << 16),
    "width": (2, 64),
    "shift": (0, 63),
    "low": (1, 64),
    "count": (0, MAX_ELEMENTS),
    "nodes": (0, 1 << 16),
    "words": (0, MAX_ELEMENTS),
    "variables": (1, 64),
    "fraction_bits": (1, 62),
    "integer_bits": (0, 16),
    "step_bits": (0, 16),
    "scale": (0, 50),
    "period_bits": (1, 63),
    "terms": (1, 1 << 10),
    "degree": (2, 64),
}
"""By the name of a field, the least and the largest whole number in it."""


def check(request: Request) -> None:
    """Raise ``ValueError`` if a field of ``request`` has another type than declared or is out of bounds."""
    for field in fields(request):
        value = getattr(request, field.name)
        if not _CHECKS[str(field.type)](field.name, value):
            raise ValueError(f"{field.name} is out of bounds")
    known = {field.name: getattr(request, field.name) for field in fields(request)}
    if known.get("shift", 0) >= known.get("width", 64) or known.get("low", 0) + known.get("top", 0) > 64:
        raise ValueError("more bits than the ring has")
    if known.get("step_bits", 0) > known.get("integer_bits", 16):
        raise ValueError("steps longer than the table")
    if "masks" in known and any(view.count != known["count"] for view in known["masks"]):
        raise ValueError("a mask of another size than what is chosen")
    if "monomials" in known and max((v for m in known["monomials"] for v in m), default=0) >= known["variables"]:
        raise ValueError("a monomial names a variable that is not there")
    if "op" in known and workspace(known["op"], known["left"].size, known["right"].size) > MAX_ELEMENTS:
        raise ValueError("an operation that takes too much room")


def workspace(op: Bilinear, x: tuple[int, ...], y: tuple[int, ...]) -> int:
    """An upper bound of the elements that ``op`` takes room for at once, result included."""
    shape = op.output_shape(x, y)
    result, params = prod(shape), dict(op.params)
    if op.name == "mul":
        return result
    if op.name == "matmul":
        rows, columns = x[-2] if len(x) > 1 else 1, y[-1] if len(y) > 1 else 1
        batch = result // max(1, rows * columns)
        return result + batch * x[-1] * (rows + columns)
    source = params.get("input_shape", x)
    kernel = params.get("weight_shape", y)[2:]
    places = {"conv": shape, "conv_grad_input": x, "conv_grad_weight": y}[op.name][2:]
    padded = prod(size + 2 * pad for size, pad in zip(source[2:], params["padding"], strict=True))
    return result + prod(source[:2]) * padded + source[1] * prod(kernel) * prod(places)


def _whole(name: str, value: Any) -> bool:
    least, largest = _BOUNDS[name]
    return type(value) is int and least <= value <= largest


def _view(_: str, view: Any) -> bool:
    if not isinstance(view, MaskView) or len(view.size) != len(view.stride):
        return False
    numbers = (view.id, view.numel, view.offset, *view.size, *view.stride)
    if any(type(number) is not int or number < 0 for number in numbers):
        return False
    if not 1 <= view.id <= MAX_ID or max(view.numel, view.count) > MAX_ELEMENTS:
        return False
    reach = view.offset + sum((n - 1) * step for n, step in zip(view.size, view.stride, strict=True))
    return view.count == 0 or reach < view.numel


def _monomials(_: str, value: Any) -> bool:
    if not isinstance(value, tuple) or not 1 <= len(value) <= 1 << 6 or all(len(monomial) < 2 for monomial in value):
        return False
    return all(
        isinstance(monomial, tuple)
        and 1 <= len(monomial) <= _MONOMIAL_VARIABLES
        and all(type(variable) is int and variable >= 0 for variable in monomial)
        for monomial in value
    )


_CHECKS: dict[str, Callable[[str, Any], bool]] = {
    "int": _whole,
    "bool": lambda _, value: isinstance(value, bool),
    "Bilinear": lambda _, value: isinstance(value, Bilinear),
    "MaskView": _view,
    "tuple[MaskView, ...]": lambda name, value: isinstance(value, tuple) and all(_view(name, item) for item in value),
    "tuple[tuple[int, ...], ...]": _monomials,
}
"""By the declared type of a field: whether a value read from the wire will do."""
