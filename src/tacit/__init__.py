"""Secure multi-party computation for PyTorch: a secret is a tensor, and every party runs the same program.

What it offers is loaded when it is first used (PEP 562): ``tacit --help`` needs no PyTorch, which takes seconds, and
the command hears its operator's signals before anything else.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from tacit import errors as errors

TYPE_CHECKING = False  # as type checkers take it; to load typing only for this would take longer than all the rest
if TYPE_CHECKING:  # the same names as in _LAZY, for type checkers and editors
    from typing import Any

    from tacit._version import __version__
    from tacit.nn.check import check
    from tacit.party import Party
    from tacit.runtime.api import ledger, party, plan, prepare, profile, reveal, run, secret
    from tacit.settings import Settings
    from tacit.tensor import Secret

__all__ = [
    "Party",
    "Secret",
    "Settings",
    "__version__",
    "check",
    "ledger",
    "party",
    "plan",
    "prepare",
    "profile",
    "reveal",
    "run",
    "secret",
]

_LAZY = {
    "Party": "tacit.party",
    "Secret": "tacit.tensor",
    "Settings": "tacit.settings",
    "__version__": "tacit._version",
    "check": "tacit.nn.check",
    **dict.fromkeys(
        ("ledger", "party", "plan", "prepare", "profile", "reveal", "run", "secret"),
        "tacit.runtime.api",
    ),
}


class _Package(ModuleType):
    """Keeps ``tacit.party`` and ``tacit.profile`` functions: importing submodules of these names would replace them."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _LAZY and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __reduce__(self) -> Any:
        """By name, as any module: a job that is sent to another process refers to it."""
        return import_module, (__name__,)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
