"""Tells the meter which ``torch.nn.Module`` an op belongs to, while somebody records a profile."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from tacit.profile.meter import Meter, Scope


class ModuleScopes:
    """While entered, costs of one party count under the path of the module whose ``forward`` runs on its thread.

    A path starts with the class of the outermost module: ``Net.features.0``. Backward passes run outside of it.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._thread = 0
        self._running: list[tuple[nn.Module, Scope]] = []
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> None:
        self._thread = threading.get_ident()
        self._handles = [
            register_module_forward_pre_hook(self._begin),
            register_module_forward_hook(self._end, always_call=True),
        ]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for handle in self._handles:
            handle.remove()

    def _begin(self, module: nn.Module, args: Any) -> None:
        if threading.get_ident() == self._thread:  # the hooks are the process's; other parties may be its threads
            parent = self._running[-1][0] if self._running else None
            scope = self._meter.module(_name(module, parent))
            scope.__enter__()
            self._running.append((module, scope))

    def _end(self, module: nn.Module, args: Any, result: Any) -> None:
        if threading.get_ident() == self._thread and self._running and self._running[-1][0] is module:
            self._running.pop()[1].__exit__(None, None, None)


def _name(module: nn.Module, parent: nn.Module | None) -> str:
    names = [name for name, inner in parent.named_modules() if inner is module] if parent is not None else []
    return str(names[0]) if names else type(module).__name__
