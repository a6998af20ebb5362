"""No compiled code while a session runs: torch.compile traces plain tensors, and a secret is none."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

import torch


@contextmanager
def uncompiled() -> Iterator[None]:
    """Meanwhile, networks and functions that were compiled, or are now, run as they were written.

    For the whole process, as PyTorch has it: from the first party that enters until the last one leaves.
    """
    with _lock:
        _inside.append(None)
        if len(_inside) == 1:
            _begin()
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                _undo.close()


_lock = threading.RLock()
_inside: list[None] = []
_undo = ExitStack()


def _begin() -> None:
    if "torch._dynamo" in sys.modules:
        _force()
        return
    # Nothing is compiled yet, and the compiler takes a second to import: it is told when it is first asked.
    compile_ = torch.compile

    @wraps(compile_)
    def told(*args: Any, **kwargs: Any) -> Any:
        with _lock:
            if torch.compile is told:
                torch.compile = compile_
                _force()
        return compile_(*args, **kwargs)

    def restore() -> None:
        if torch.compile is told:
            torch.compile = compile_

    _undo.callback(restore)
    torch.compile = told


def _force() -> None:
    stance: Callable[..., Any] = torch.compiler.set_stance
    _undo.enter_context(stance("force_eager"))
