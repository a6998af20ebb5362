"""Small functions of one or two numbers that are made of a few others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tacit.protocols._base import Protocol
from tacit.tensor.operands import Number, result_type
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.threshold.default)
def threshold(protocol: Protocol, x: Secret, threshold: Number, value: Number) -> Tensor:
    """``x`` where it is above the threshold, else ``value``: one comparison and one select."""
    return torch.where(x > threshold, x, torch.full_like(x, value))


@rule(aten.hardshrink.default)
def hardshrink(protocol: Protocol, x: Secret, lambd: Number = 0.5) -> Tensor:
    """0 where ``|x| <= lambd``: two comparisons on one opening and one select."""
    inside = (x >= -lambd) & (x <= lambd)
    return x.masked_fill(inside, 0)


@rule(aten.heaviside.default)
def heaviside(protocol: Protocol, x: Any, values: Any) -> Tensor:
    """1 above 0, ``values`` at 0: two comparisons and one select."""
    dtype = result_type(x, values)
    return torch.where(x == 0, values, (x > 0).to(dtype)).to(dtype)


@rule(aten.signbit.default)
def signbit(protocol: Protocol, x: Secret) -> Tensor:
    """``x < 0``: one comparison; there is no negative zero."""
    return x < 0


@rule(aten.copysign.Tensor, aten.copysign.Scalar)
def copysign(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """``|x|`` with the sign of y: an absolute value, a comparison and a select."""
    dtype = result_type(x, y)
    dtype = dtype if dtype.is_floating_point else torch.get_default_dtype()
    size = abs(x).to(dtype)
    negative = torch.signbit(y) if isinstance(y, Tensor) else y < 0
    return torch.where(negative, -size, size) if isinstance(negative, Tensor) else -size if negative else size


@rule(aten.fmax.default)
def fmax(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """As ``maximum``: there is no NaN."""
    return torch.maximum(x, y)


@rule(aten.fmin.default)
def fmin(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """As ``minimum``: there is no NaN."""
    return torch.minimum(x, y)


@rule(aten.nan_to_num.default)
def nan_to_num(protocol: Protocol, x: Secret, *_: Any, **__: Any) -> Tensor:
    """A copy: there is neither NaN nor infinity."""
    return x.clone()


@rule(aten.xlogy.Tensor, aten.xlogy.Scalar_Other, aten.xlogy.Scalar_Self)
def xlogy(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """``x * log(y)``, 0 where x is: a logarithm and a product."""
    out: Tensor = x * (y.log() if isinstance(y, Secret) else _log(y))
    return out


@rule(aten.special_xlog1py.default, aten.special_xlog1py.other_scalar, aten.special_xlog1py.self_scalar)
def xlog1py(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """``x * log(1 + y)``, 0 where x is: a logarithm and a product."""
    out: Tensor = x * (y.log1p() if isinstance(y, Secret) else _log(y + 1))
    return out


@rule(aten.special_entr.default)
def entr(protocol: Protocol, x: Secret) -> Tensor:
    """``-x * log(x)``, 0 at 0, for ``x >= 0``: a logarithm and a product."""
    return -x * x.log()


@rule(aten.hypot.default)
def hypot(protocol: Protocol, x: Any, y: Any) -> Tensor:
    """``sqrt(x**2 + y**2)``, for sides below 2**14: error 2 units and 1e-5 of the result. A root and two squares."""
    out: Tensor = (x * x + y * y).sqrt()
    return out


@rule(aten.hardshrink_backward.default, aten.softshrink_backward.default)
def shrink_backward(protocol: Protocol, grad: Tensor, x: Secret, lambd: Number) -> Tensor:
    """One select, by the comparisons of the forward pass."""
    return grad.masked_fill((x >= -lambd) & (x <= lambd), 0)


@rule(aten.isin.Tensor_Tensor)
def isin(
    protocol: Protocol, elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element is among the others: an equality test of every pair, and a tree of ``or``."""
    found = (elements.unsqueeze(-1) == test_elements.reshape(-1)).any(-1)
    out: Tensor = ~found if invert else found
    return out


@rule(aten.isin.Tensor_Scalar)
def isin_number(
    protocol: Protocol, elements: Secret, test_element: Number, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """An equality test."""
    return elements != test_element if invert else elements == test_element


def _log(y: Any) -> Any:
    """Of a public number: its logarithm, where there is one."""
    y = torch.as_tensor(y, dtype=torch.float64)
    return torch.where(y > 0, y, torch.full_like(y, 2.0**-17)).log()
