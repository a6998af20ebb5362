"""Multi-head attention: PyTorch's own code, so that what it calls inside is caught in its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from torch.nn import functional

from tacit.tensor.caught import CAUGHT


def _opened(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` without its question whether somebody overrides it, so that its inside is seen."""

    def has_torch_function(arguments: Iterable[Any]) -> bool:
        return False

    names = {**function.__globals__, "has_torch_function": has_torch_function}
    return FunctionType(function.__code__, names, function.__name__, function.__defaults__)


CAUGHT[functional.multi_head_attention_forward] = _opened(functional.multi_head_attention_forward)
