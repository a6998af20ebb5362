"""Where an operation stands, for people: its line, its module and class, and whether a backward pass runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import TypeVar

import torch
from torch import nn

from tacit.caller import caller_line

_T = TypeVar("_T")

_BACKWARD = "_engine_run_backward"


def in_backward() -> bool:
    """Whether autograd runs this operation."""
    return any(frame.f_code.co_name == _BACKWARD for frame in _frames())


def in_step() -> bool:
    """Whether an optimizer runs this operation."""
    return any(_first_argument(frame, "step", torch.optim.Optimizer) is not None for frame in _frames())


def described(op: str) -> str:
    """For example ``mul at model.py:12 in encoder.layer.3.attention (BertAttention)``."""
    frames = list(_frames())
    line = caller_line()
    if in_backward():
        return f"{op} in backward() at {line}"
    modules = [module for frame in frames if (module := _module_of(frame)) is not None]
    return f"{op} at {line}{f' in {path(modules)}' if modules else ''}"


def path(modules: list[nn.Module]) -> str:
    """Where the first of ``modules``, the innermost, lies in the last, which is the root; and its class."""
    inner, root = modules[0], modules[-1]
    kind = type(inner).__name__
    name = next((name for name, module in root.named_modules() if module is inner), None)
    if name is None:  # called by the root, but no part of it
        return kind
    return f"{name} ({kind})" if name else f"{kind}, the whole network"


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module_of(frame: FrameType) -> nn.Module | None:
    """The module whose ``forward`` a frame runs."""
    return _first_argument(frame, "forward", nn.Module)


def _first_argument(frame: FrameType, name: str, kind: type[_T]) -> _T | None:
    """The ``self`` of a method of that name, if it is of a kind."""
    code = frame.f_code
    if code.co_name != name or not code.co_argcount:
        return None
    found = frame.f_locals.get(code.co_varnames[0])
    return found if isinstance(found, kind) else None
