"""Moving a secret to a device: it stays. Where a share lies is each party's own choice, and no part of the program."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tacit.tensor.caught import caught

_convert = Tensor.to


@caught(Tensor.cpu, Tensor.cuda)
def stay(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The same secret."""
    return input


@caught(Tensor.to)
def to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """As another type if one is asked for; any device is as good."""
    if not any(isinstance(value, Tensor) for value in (*args, *kwargs.values())):
        types = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.dtype)]
        kwargs = {key: value for key, value in kwargs.items() if key in ("copy", "memory_format")}
        args = (types[0] if types else input.dtype,)
    with torch._C.DisableTorchFunctionSubclass():
        return _convert(input, *args, **kwargs)
