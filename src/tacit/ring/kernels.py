"""The one place that chooses kernels: by where the tensors lie, and on the CPU between native and reference ones.

The environment variable ``TACIT_KERNELS`` overrides the choice for the CPU: ``auto`` (the default), ``reference``,
``native`` (an error if there are none), one instruction set (``avx512``, ``avx2``, ``portable``), or ``device``, which
is what tensors on an accelerator go through in any case. All give the same integers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from tacit.errors import MisuseError
from tacit.ring import device, reference
from tacit.ring.conjunctions import Monomials
from tacit.ring.elementary import ExpRange, Wave
from tacit.ring.window import Pair, Window


class Kernels(Protocol):
    """What a set of kernels offers; ``reference`` documents each."""

    def matmul(self, a: Tensor, b: Tensor, plus: Pair | None = None) -> Tensor: ...
    def bmm(self, a: Tensor, b: Tensor, plus: Pair | None = None) -> Tensor: ...
    def convolve(self, x: Tensor, w: Tensor, window: Window, plus: Pair | None = None) -> Tensor: ...
    def to_planes(self, x: Tensor, width: int) -> Tensor: ...
    def from_planes(self, planes: Tensor, n: int) -> Tensor: ...
    def pack_bits(self, bits: Tensor) -> Tensor: ...
    def unpack_bits(self, plane: Tensor, n: int) -> Tensor: ...
    def look_up(self, tables: Tensor, digits: Tensor, one: bool) -> tuple[Tensor, Tensor]: ...
    def prefix_tables(self, planes: Tensor, tables: Tensor) -> None: ...
    def encode(self, x: Tensor, scale: int) -> Tensor | None: ...
    def decode(self, ring: Tensor, scale: int, dtype: torch.dtype) -> Tensor: ...
    @property
    def truncated(self) -> Callable[..., Tensor]: ...
    @property
    def chosen(self) -> Callable[..., Tensor]: ...
    @property
    def chosen_truncated(self) -> Callable[..., Tensor]: ...
    def weighed(self, shares: Tensor, beta: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]: ...
    def exp_table(self, r: Tensor, bits: int, span: ExpRange) -> Tensor: ...
    @property
    def exp_products(self) -> Callable[..., Tensor]: ...
    def harmonic_tables(self, a: Tensor, bits: int, terms: int, scale: int) -> tuple[Tensor, Tensor]: ...
    @property
    def wave_products(self) -> Callable[..., Tensor]: ...
    @property
    def conjunctions(self) -> Callable[..., Tensor]: ...


def available() -> dict[str, Kernels]:
    """All kernels that work here, by name: the native ones, the fastest first, then ``device`` and ``reference``."""
    found: dict[str, Kernels] = {}
    try:
        from tacit import _native

        # An old build beside newer sources: its functions may take other arguments.
        from tacit.ring import native

        if _native.INTERFACE == native.INTERFACE:
            found = {name: native.Native(name) for name in native.targets()}
    except ImportError:  # built without a compiler
        pass
    return {**found, "device": device, "reference": reference}


def choose(wanted: str) -> tuple[str, Kernels]:
    """The name and the kernels for a value of ``TACIT_KERNELS``; MisuseError if they are not there."""
    found = available()
    native = [name for name in found if name not in ("device", "reference")]
    if wanted == "auto" or (wanted == "native" and native):
        wanted = native[0] if native else "reference"
    if wanted in found:
        return wanted, found[wanted]
    raise MisuseError(
        f"TACIT_KERNELS={wanted!r}: not available here. There are {', '.join(found)} (and auto)."
        " Native kernels need a C++ compiler when Tacit is installed: run `pip install .` again with one."
    )


_name, _kernels = choose(os.environ.get("TACIT_KERNELS", "auto"))


def matmul(a: Tensor, b: Tensor, plus: Pair | None = None) -> Tensor:
    """int64[m, k] @ int64[k, n] modulo 2^64, plus one more such product; the operands may be strided."""
    return (_kernels if a.is_cpu else device).matmul(a, b, plus)


def bmm(a: Tensor, b: Tensor, plus: Pair | None = None) -> Tensor:
    """int64[s, m, k] @ int64[s, k, n] modulo 2^64, plus one more; the operands may be strided or expanded."""
    return (_kernels if a.is_cpu else device).bmm(a, b, plus)


def convolve(x: Tensor, w: Tensor, window: Window, plus: Pair | None = None) -> Tensor:
    """x[N, C, *s], w[O, C/groups, *k] -> [N, O, *out], plus one more; the operands may be strided."""
    return (_kernels if x.is_cpu else device).convolve(x, w, window, plus)


def to_planes(x: Tensor, width: int) -> Tensor:
    """int64[n] -> int64[width, ceil(n / 64)]: plane j holds bit j."""
    return (_kernels if x.is_cpu else device).to_planes(x, width)


def from_planes(planes: Tensor, n: int) -> Tensor:
    """int64[width, ceil(n / 64)] -> int64[n], the inverse of ``to_planes``."""
    return (_kernels if planes.is_cpu else device).from_planes(planes, n)


def pack_bits(bits: Tensor) -> Tensor:
    """bool[n] -> int64[ceil(n / 64)], padding bits zero."""
    return (_kernels if bits.is_cpu else device).pack_bits(bits)


def unpack_bits(plane: Tensor, n: int) -> Tensor:
    """int64[ceil(n / 64)] -> bool[n]."""
    return (_kernels if plane.is_cpu else device).unpack_bits(plane, n)


def look_up(tables: Tensor, digits: Tensor, one: bool) -> tuple[Tensor, Tensor]:
    """Shares of [v < r] and [v == r] for each chunk of a public v: see ``reference.look_up``."""
    return (_kernels if tables.is_cpu else device).look_up(tables, digits, one)


def prefix_tables(planes: Tensor, tables: Tensor) -> None:
    """The tables [chunk <= v] of a value given as bit planes: see ``reference.prefix_tables``."""
    (_kernels if planes.is_cpu else device).prefix_tables(planes, tables)


def encode(x: Tensor, scale: int) -> Tensor | None:
    """Floating point to ring integers, None if a number is out of range: see ``coding.encode``."""
    return (_kernels if x.is_cpu else device).encode(x, scale)


def decode(ring: Tensor, scale: int, dtype: torch.dtype) -> Tensor:
    """Ring integers to floating point: see ``coding.decode``."""
    return (_kernels if ring.is_cpu else device).decode(ring, scale, dtype)


def truncated(m: Tensor, width: int, shift: int, rounding: int, first: bool, shifted: Tensor, top: Tensor) -> Tensor:
    """See ``masked.truncated``."""
    return (_kernels if m.is_cpu else device).truncated(m, width, shift, rounding, first, shifted, top)


def chosen(m: Tensor, first: bool, a: Tensor, rho: Tensor, rho_a: Tensor, beta: Tensor) -> Tensor:
    """See ``masked.chosen``."""
    return (_kernels if m.is_cpu else device).chosen(m, first, a, rho, rho_a, beta)


def chosen_truncated(m: Tensor, width: int, shift: int, first: bool, *shares_and_beta: Tensor) -> Tensor:
    """See ``masked.chosen_truncated``."""
    return (_kernels if m.is_cpu else device).chosen_truncated(m, width, shift, first, *shares_and_beta)


def weighed(shares: Tensor, beta: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """See ``masked.weighed``."""
    return (_kernels if shares.is_cpu else device).weighed(shares, beta, weights)


def exp_table(r: Tensor, bits: int, span: ExpRange) -> Tensor:
    """See ``lookup.exp_table``."""
    return (_kernels if r.is_cpu else device).exp_table(r, bits, span)


def exp_products(m: Tensor, bits: int, span: ExpRange, shifts: Sequence[int], table: Tensor) -> Tensor:
    """See ``lookup.exp_products``."""
    return (_kernels if m.is_cpu else device).exp_products(m, bits, span, shifts, table)


def harmonic_tables(a: Tensor, bits: int, terms: int, scale: int) -> tuple[Tensor, Tensor]:
    """See ``lookup.harmonic_tables``."""
    return (_kernels if a.is_cpu else device).harmonic_tables(a, bits, terms, scale)


def wave_products(
    m: Tensor, bits: int, series: Sequence[Wave], scale: int, first: bool, sines: Tensor, cosines: Tensor
) -> Tensor:
    """See ``lookup.wave_products``."""
    return (_kernels if m.is_cpu else device).wave_products(m, bits, series, scale, first, sines, cosines)


def conjunctions(opened: Tensor, masks: Tensor, products: Tensor, monomials: Monomials, first: bool) -> Tensor:
    """See ``conjunctions.conjunctions``."""
    return (_kernels if opened.is_cpu else device).conjunctions(opened, masks, products, monomials, first)


def active() -> str:
    """Which kernels CPU tensors go through: ``"reference"``, ``"device"`` or the instruction set of the native ones."""
    return _name
