"""Which functions of PyTorch are caught whole, before PyTorch turns them into operations that suit no secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

CAUGHT: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What runs in place of each: the same arguments, operations on tensors inside."""


def caught(*functions: Callable[..., Any]) -> Callable[[_F], _F]:
    """Enter a function in place of each of ``functions``, for calls with a secret among their arguments."""

    def enter(replacement: _F) -> _F:
        CAUGHT.update(dict.fromkeys(functions, replacement))
        return replacement

    return enter
