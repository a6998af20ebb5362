"""Stands in for what CrypTen imports to read ONNX files, which nothing here does, and current PyTorch has no more."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from importlib.machinery import ModuleSpec
from typing import Any

_NAMES = ("onnx", "onnx.numpy_helper", "torch.onnx._internal.registration")


class _Stub(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return object


def install() -> None:
    """Put an empty module in the place of each one that is missing."""
    warnings.filterwarnings("ignore")
    for name in _NAMES:
        try:
            importlib.import_module(name)
        except ImportError:
            stub = _Stub(name)
            stub.__spec__ = ModuleSpec(name, None)  # torch asks for it
            sys.modules[name] = stub
