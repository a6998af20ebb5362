"""Standard deviations as lengths, which have a gradient of their own: PyTorch divides by what may be a unit or less."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from tacit.tensor.caught import caught
from tacit.tensor.operands import Number, dims_of
from tacit.tensor.rules.statistics import deviation

_functions = {name: getattr(torch, name) for name in ("std", "std_mean")}


@caught(torch.std, Tensor.std)
def std(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """See ``tacit.tensor.rules.statistics.std``."""
    found: Tensor = _asked("std", input, *args, **kwargs)
    return found


@caught(torch.std_mean)
def std_mean(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """See ``tacit.tensor.rules.statistics.std``."""
    found: tuple[Tensor, Tensor] = _asked("std_mean", input, *args, **kwargs)
    return found


def _asked(name: str, x: Tensor, *args: Any, **kwargs: Any) -> Any:
    """PyTorch takes ``(unbiased)``, ``(dim, unbiased, keepdim)``, and ``(dim, correction=..., keepdim=...)``."""
    names = ("unbiased",) if args and isinstance(args[0], bool) else ("dim", "unbiased", "keepdim")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    unbiased, correction = given.get("unbiased"), given.get("correction")
    freedom: Number = 1 if correction is None else correction
    freedom = freedom if unbiased is None else int(unbiased)
    known = {"dim", "unbiased", "correction", "keepdim"}
    if len(args) > len(names) or given.keys() - known or not x.dtype.is_floating_point or not x.numel():
        return _plainly(name, x, *args, **kwargs)
    dims = dims_of(x, given.get("dim"))
    if not dims or math.prod(x.shape[d] for d in dims) <= freedom:
        return _plainly(name, x, *args, **kwargs)
    keepdim = bool(given.get("keepdim", False))
    spread = deviation(x, dims, freedom, keepdim)
    return spread if name == "std" else (spread, x.mean(dims, keepdim=keepdim))


def _plainly(name: str, x: Tensor, *args: Any, **kwargs: Any) -> Any:
    with torch._C.DisableTorchFunctionSubclass():
        return _functions[name](x, *args, **kwargs)
