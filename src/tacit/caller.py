"""Which line of user code is running: what errors, the ledger and traces point at."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import NamedTuple

import torch

_TACIT = os.path.dirname(os.path.abspath(__file__)) + os.sep
_TORCH = os.path.dirname(os.path.abspath(torch.__file__)) + os.sep
_USER_CODE_INSIDE = (os.path.join(_TACIT, "demo") + os.sep, os.path.join(_TACIT, "testing") + os.sep)

_is_inside: dict[str, bool] = {}


class Place(NamedTuple):
    """Where user code is: file, line and the function's qualified name."""

    file: str
    line: int
    function: str


def caller_place() -> Place:
    """The same as ``caller_position``, with the function."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not is_inside(frame.f_code.co_filename):
            return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)
        frame = frame.f_back
    return Place("<unknown>", 0, "")


def caller_position() -> tuple[str, int]:
    """File and line of the innermost frame outside Tacit and PyTorch; ``("<unknown>", 0)`` when there is none."""
    frame = sys._getframe(1)
    while True:
        filename = frame.f_code.co_filename
        if not is_inside(filename):
            return filename, frame.f_lineno
        if frame.f_back is None:
            return "<unknown>", 0
        frame = frame.f_back


def is_inside(filename: str) -> bool:
    """Whether a frame's file belongs to Tacit, PyTorch or Python's import system rather than to the user."""
    inside = _is_inside.get(filename)
    if inside is None:
        inside = _is_inside[filename] = _judge(filename)
    return inside


def caller_line() -> str:
    """The same as text, for example ``"job.py:12"``."""
    return format_position(caller_position())


def format_position(position: tuple[str, int]) -> str:
    """``("/home/me/job.py", 12)`` as ``"job.py:12"``: the directory is this machine's own affair."""
    filename, line = position
    return f"{os.path.basename(filename)}:{line}" if line else filename


def _judge(filename: str) -> bool:
    if filename.startswith("<frozen "):
        return True
    path = os.path.abspath(filename)
    if path.startswith(_USER_CODE_INSIDE):
        return False
    return path.startswith((_TACIT, _TORCH))
