"""Bilinear maps on ring tensors, as values: what a Beaver triple is made for, and what the dealer computes.

A map is exact modulo 2^64, so ``f(x + a, y) == f(x, y) + f(a, y)`` holds bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from tacit.errors import MisuseError
from tacit.ring import convolution, products
from tacit.ring.window import Pair, Window, output_shape

Shape = tuple[int, ...]

_CONV_PARAMS = ("stride", "padding", "dilation", "groups")
_PARAMS: dict[str, tuple[str, ...]] = {
    "mul": (),
    "matmul": (),
    "conv": _CONV_PARAMS,
    "conv_grad_input": (*_CONV_PARAMS, "input_shape"),
    "conv_grad_weight": (*_CONV_PARAMS, "weight_shape"),
}


@dataclass(frozen=True)
class Bilinear:
    """One bilinear map: a name and its parameters, each a tuple of whole numbers.

    Calling it maps int64 tensors (x, y) to an int64 tensor of ``output_shape(x.shape, y.shape)``. Raises MisuseError
    for shapes that do not fit, before any memory is taken.
    """

    name: str
    params: tuple[tuple[str, Shape], ...] = ()

    def __post_init__(self) -> None:
        if self.name not in _PARAMS:
            raise MisuseError(f"No bilinear map {self.name!r}. Known: {', '.join(_PARAMS)}.")
        if tuple(key for key, _ in self.params) != _PARAMS[self.name]:
            raise MisuseError(f"{self.name} takes the parameters {list(_PARAMS[self.name])} in this order.")
        for key, value in self.params:
            if not isinstance(value, tuple) or any(type(number) is not int for number in value):
                raise MisuseError(f"{self.name}: {key} must be a tuple of whole numbers, got {value!r}.")
        if self.params:
            self._window()  # refuses parameters that do not fit together

    def __call__(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self._apply(x, y, None)

    def sum_of(self, x: torch.Tensor, y: torch.Tensor, x2: torch.Tensor, y2: torch.Tensor) -> torch.Tensor:
        """``self(x, y) + self(x2, y2)``, int64 in memory of its own; x2 has the shape of x and y2 that of y.

        Matrix products and convolutions add up both in one pass over the result. Raises as the map itself does.
        """
        if (x.shape, y.shape) != (x2.shape, y2.shape):
            raise MisuseError(f"{self.name}: both terms of a sum need operands of the same shapes.")
        if self.name in ("matmul", "conv"):
            return self._apply(x, y, (x2, y2))
        out = self._apply(x, y, None)
        return out.addcmul_(x2, y2) if self.name == "mul" else out.add_(self._apply(x2, y2, None))

    def _apply(self, x: torch.Tensor, y: torch.Tensor, plus: Pair | None) -> torch.Tensor:
        if self.name == "matmul":
            return products.matmul(x, y, plus)
        self.output_shape(tuple(x.shape), tuple(y.shape))
        if self.name == "mul":
            return x * y
        if self.name == "conv":
            return convolution.forward(x, y, self._window(), plus)
        if self.name == "conv_grad_input":
            return convolution.grad_input(x, y, self._window(), self._param("input_shape"))
        return convolution.grad_weight(x, y, self._window(), self._param("weight_shape"))

    def output_shape(self, x_shape: Shape, y_shape: Shape) -> Shape:
        """The shape of the result, or MisuseError if the operands do not fit."""
        if self.name == "mul":
            return products.broadcast_shape(x_shape, y_shape)
        if self.name == "matmul":
            return products.matmul_shape(x_shape, y_shape)
        if self.name == "conv":
            return output_shape(x_shape, y_shape, self._window())
        if self.name == "conv_grad_input":
            result = self._param("input_shape")
            convolution.check_gradient(x_shape, output_shape(result, y_shape, self._window()))
            return result
        result = self._param("weight_shape")
        convolution.check_gradient(y_shape, output_shape(x_shape, result, self._window()))
        return result

    def to_json(self) -> dict[str, object]:
        """A JSON object that ``from_json`` turns back into an equal map."""
        return {"name": self.name, "params": {key: list(value) for key, value in self.params}}

    @staticmethod
    def from_json(value: object) -> Bilinear:
        """Read what ``to_json`` wrote. ``value`` may come from a peer: anything else raises MisuseError."""
        if not isinstance(value, Mapping) or set(value) != {"name", "params"}:
            raise MisuseError("A bilinear map is an object with 'name' and 'params'.")
        name, params = value["name"], value["params"]
        if not isinstance(name, str) or not isinstance(params, Mapping):
            raise MisuseError("A bilinear map's 'name' is a string and its 'params' an object.")
        if name not in _PARAMS or set(params) != set(_PARAMS[name]):
            raise MisuseError("A bilinear map of unknown name or with other parameters than its own.")
        if not all(isinstance(numbers, list) for numbers in params.values()):
            raise MisuseError("A bilinear map's parameters are lists of whole numbers.")
        return Bilinear(name, tuple((key, tuple(params[key])) for key in _PARAMS[name]))

    def _param(self, key: str) -> Shape:
        return dict(self.params)[key]

    def _window(self) -> Window:
        params = dict(self.params)
        groups = params["groups"]
        if len(groups) != 1:
            raise MisuseError(f"{self.name}: groups must be one number in a tuple, got {groups}.")
        return Window(params["stride"], params["padding"], params["dilation"], groups[0])


MUL = Bilinear("mul")
"""Elementwise product with broadcasting."""

MATMUL = Bilinear("matmul")
"""``torch.matmul``: vectors, matrices and broadcast batches of them."""


def conv(stride: Shape, padding: Shape, dilation: Shape, groups: int = 1) -> Bilinear:
    """Convolution in 1, 2 or 3 dimensions (len(stride)): x[N, C, *s], w[O, C/groups, *k] -> [N, O, *out]."""
    return Bilinear("conv", _conv_params(stride, padding, dilation, groups))


def conv_grad_input(stride: Shape, padding: Shape, dilation: Shape, groups: int, input_shape: Shape) -> Bilinear:
    """The gradient of ``conv`` for x (a transposed convolution): g[N, O, *out], w -> x's shape ``input_shape``."""
    params = _conv_params(stride, padding, dilation, groups)
    return Bilinear("conv_grad_input", (*params, ("input_shape", tuple(input_shape))))


def conv_grad_weight(stride: Shape, padding: Shape, dilation: Shape, groups: int, weight_shape: Shape) -> Bilinear:
    """The gradient of ``conv`` for w: x, g[N, O, *out] -> w's shape ``weight_shape``."""
    params = _conv_params(stride, padding, dilation, groups)
    return Bilinear("conv_grad_weight", (*params, ("weight_shape", tuple(weight_shape))))


def _conv_params(stride: Shape, padding: Shape, dilation: Shape, groups: int) -> tuple[tuple[str, Shape], ...]:
    return (
        ("stride", tuple(stride)),
        ("padding", tuple(padding)),
        ("dilation", tuple(dilation)),
        ("groups", (groups,)),
    )
