"""The one place that chooses between native and reference kernels.

The environment variable ``TACIT_KERNELS`` overrides the choice: ``auto`` (the default), ``reference``, ``native`` (an
error if there are none) or one instruction set (``avx512``, ``avx2``, ``portable``). All give the same integers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

import torch

from tacit.errors import MisuseError
from tacit.ring import reference


class Kernels(Protocol):
    """What a set of kernels offers; ``reference`` documents each."""

    def matmul(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor: ...
    def bmm(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor: ...
    def to_planes(self, x: torch.Tensor, width: int) -> torch.Tensor: ...
    def from_planes(self, planes: torch.Tensor, n: int) -> torch.Tensor: ...
    def pack_bits(self, bits: torch.Tensor) -> torch.Tensor: ...
    def unpack_bits(self, plane: torch.Tensor, n: int) -> torch.Tensor: ...
    def look_up(self, tables: torch.Tensor, digits: torch.Tensor, one: bool) -> tuple[torch.Tensor, torch.Tensor]: ...
    def prefix_tables(self, planes: torch.Tensor, tables: torch.Tensor) -> None: ...
    @property
    def truncated(self) -> Callable[..., torch.Tensor]: ...
    @property
    def chosen(self) -> Callable[..., torch.Tensor]: ...
    @property
    def chosen_truncated(self) -> Callable[..., torch.Tensor]: ...


def available() -> dict[str, Kernels]:
    """All kernels that work here, by name, the fastest first and ``reference`` last."""
    found: dict[str, Kernels] = {}
    try:
        from tacit import _native

        # An old build beside newer sources: its functions may take other arguments.
        from tacit.ring import native

        if _native.INTERFACE == native.INTERFACE:
            found = {name: native.Native(name) for name in native.targets()}
    except ImportError:  # built without a compiler
        pass
    return {**found, "reference": reference}


def choose(wanted: str) -> tuple[str, Kernels]:
    """The name and the kernels for a value of ``TACIT_KERNELS``; MisuseError if they are not there."""
    found = available()
    names = list(found)
    if wanted == "auto":
        return names[0], found[names[0]]
    if wanted == "native" and len(names) > 1:
        return names[0], found[names[0]]
    if wanted in found:
        return wanted, found[wanted]
    raise MisuseError(
        f"TACIT_KERNELS={wanted!r}: not available here. There are {', '.join(names)} (and auto)."
        " Native kernels need a C++ compiler when Tacit is installed: run `pip install .` again with one."
    )


_name, _kernels = choose(os.environ.get("TACIT_KERNELS", "auto"))

matmul = _kernels.matmul
bmm = _kernels.bmm
to_planes = _kernels.to_planes
from_planes = _kernels.from_planes
pack_bits = _kernels.pack_bits
unpack_bits = _kernels.unpack_bits
look_up = _kernels.look_up
prefix_tables = _kernels.prefix_tables
truncated = _kernels.truncated
chosen = _kernels.chosen
chosen_truncated = _kernels.chosen_truncated


def active() -> str:
    """Which kernels are in use: ``"reference"`` or the instruction set of the native ones."""
    return _name
