"""The native kernels for one instruction set, with the same face as ``reference``.

Everything that C++ takes on trust is checked or made true here: dtype, shape, and contiguous memory.
"""

from __future__ import annotations

import torch

from tacit import _native
from tacit.ring import coding
from tacit.ring.chunks import chunk_widths, table_planes
from tacit.ring.native_lookup import NativeLookup
from tacit.ring.window import Pair, Window, output_shape

INTERFACE = 9
"""The number that ``native/module.cpp`` must carry; another one is a stale build."""

_REALS = (torch.float32, torch.float64)


def targets() -> tuple[str, ...]:
    """The instruction sets that this build and this processor have in common, the fastest first."""
    return tuple(_native.targets())


class Native(NativeLookup):
    """The kernels compiled for one of ``targets()``."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name
        self._index = targets().index(name)

    def matmul(self, a: torch.Tensor, b: torch.Tensor, plus: Pair | None = None) -> torch.Tensor:
        """int64[m, k] @ int64[k, n] modulo 2^64, and added to it one more such product; all may be strided."""
        if plus is not None:
            more = plus[0].unsqueeze(0), plus[1].unsqueeze(0)
            return self.bmm(a.unsqueeze(0), b.unsqueeze(0), more).squeeze(0)
        _check(a, 2)
        _check(b, 2)
        (rows, inner), columns = a.shape, b.shape[1]
        if b.shape[0] != inner:
            raise ValueError(f"matmul: shapes {list(a.shape)} and {list(b.shape)} do not fit.")
        out = torch.empty(rows, columns, dtype=torch.int64)
        _native.bmm(
            self._index, 1, rows, columns, inner,
            a.data_ptr(), 0, a.stride(0), a.stride(1),
            b.data_ptr(), 0, b.stride(0), b.stride(1),
            out.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return out

    def bmm(self, a: torch.Tensor, b: torch.Tensor, plus: Pair | None = None) -> torch.Tensor:
        """int64[s, m, k] @ int64[s, k, n] modulo 2^64, and added to it one more; all may be strided or expanded."""
        _check(a, 3)
        _check(b, 3)
        (size, rows, inner), columns = a.shape, b.shape[2]
        if b.shape[:2] != (size, inner):
            raise ValueError(f"bmm: shapes {list(a.shape)} and {list(b.shape)} do not fit.")
        out = torch.empty(size, rows, columns, dtype=torch.int64)
        if plus is not None:
            _check_alike((a, b), plus)
            left, right, left2, right2 = ((z.data_ptr(), *z.stride()) for z in (a, b, *plus))
            _native.bmm_sum(
                self._index, size, rows, columns, inner, left, right, left2, right2,
                out.data_ptr(), torch.get_num_threads(),
            )  # fmt: skip
            return out
        _native.bmm(
            self._index, size, rows, columns, inner,
            a.data_ptr(), a.stride(0), a.stride(1), a.stride(2),
            b.data_ptr(), b.stride(0), b.stride(1), b.stride(2),
            out.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return out

    def convolve(self, x: torch.Tensor, w: torch.Tensor, window: Window, plus: Pair | None = None) -> torch.Tensor:
        """x[N, C, *s], w[O, C/groups, *k] -> [N, O, *out], and added to it one more; x may be strided."""
        dimensions = window.dimensions
        _check(x, dimensions + 2)
        _check(w, dimensions + 2)
        shape = output_shape(tuple(x.shape), tuple(w.shape), window)
        if plus is not None:
            _check_alike((x, w), plus)
        more = plus or ()
        out = torch.empty(shape, dtype=torch.int64)
        weights = [operand.contiguous() for operand in (w, *more[1:])]
        inputs = [(z.data_ptr(), *z.stride()[:2], *(0,) * (3 - dimensions), *z.stride()[2:]) for z in (x, *more[:1])]
        extents = (x.shape[2:], w.shape[2:], window.stride, window.padding, window.dilation, shape[2:])
        fill = (1, 1, 1, 0, 1, 1)
        sliding = [x.shape[0], window.groups, w.shape[0] // window.groups, w.shape[1]]
        for extent, one in zip(extents, fill, strict=True):
            sliding += [*(one,) * (3 - dimensions), *extent]
        _native.convolution(
            self._index, sliding, inputs[0], weights[0].data_ptr(), inputs[1] if more else (),
            weights[1].data_ptr() if more else 0, out.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return out

    def to_planes(self, x: torch.Tensor, width: int) -> torch.Tensor:
        """int64[n] -> int64[width, ceil(n / 64)]: plane j holds bit j."""
        _check(x, 1)
        _check_width(width)
        n, x = x.shape[0], x.contiguous()
        planes = torch.empty(width, -(-n // 64), dtype=torch.int64)
        _native.to_planes(self._index, x.data_ptr(), n, width, planes.data_ptr())
        return planes

    def from_planes(self, planes: torch.Tensor, n: int) -> torch.Tensor:
        """int64[width, ceil(n / 64)] -> int64[n], the inverse of ``to_planes``."""
        _check(planes, 2)
        _check_width(planes.shape[0])
        _check_words(planes.shape[1], n)
        planes = planes.contiguous()
        x = torch.empty(n, dtype=torch.int64)
        _native.from_planes(self._index, planes.data_ptr(), n, planes.shape[0], x.data_ptr())
        return x

    def pack_bits(self, bits: torch.Tensor) -> torch.Tensor:
        """bool[n] -> int64[ceil(n / 64)], padding bits zero."""
        _check(bits, 1, torch.bool)
        n, bits = bits.shape[0], bits.contiguous()
        out = torch.empty(-(-n // 64), dtype=torch.int64)
        _native.pack_bits(self._index, bits.data_ptr(), n, out.data_ptr())
        return out

    def unpack_bits(self, plane: torch.Tensor, n: int) -> torch.Tensor:
        """int64[ceil(n / 64)] -> bool[n]."""
        _check(plane, 1)
        _check_words(plane.shape[0], n)
        plane = plane.contiguous()
        bits = torch.empty(n, dtype=torch.bool)
        _native.unpack_bits(self._index, plane.data_ptr(), n, bits.data_ptr())
        return bits

    def look_up(self, tables: torch.Tensor, digits: torch.Tensor, one: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """See ``tacit.ring.chunks.look_up``."""
        _check(tables, 2)
        _check(digits, 2)
        (bits, words), chunks = digits.shape, len(chunk_widths(digits.shape[0]))
        if tables.shape != (table_planes(bits), words):
            raise ValueError(f"Tables of {bits} bits are [{table_planes(bits)}, {words}], got {list(tables.shape)}.")
        tables, digits = tables.contiguous(), digits.contiguous()
        less, equal = (torch.empty(chunks, words, dtype=torch.int64) for _ in range(2))
        _native.look_up(
            self._index, tables.data_ptr(), digits.data_ptr(), bits, words, one, less.data_ptr(), equal.data_ptr()
        )
        return less, equal

    def prefix_tables(self, planes: torch.Tensor, tables: torch.Tensor) -> None:
        """See ``tacit.ring.chunks.prefix_tables``; writes into ``tables``."""
        _check(planes, 2)
        _check(tables, 2)
        bits, words = planes.shape
        if tables.shape != (table_planes(bits), words) or not tables.is_contiguous():
            raise ValueError(f"Tables of {bits} bits are [{table_planes(bits)}, {words}], got {list(tables.shape)}.")
        planes = planes.contiguous()
        _native.prefix_tables(self._index, planes.data_ptr(), bits, words, tables.data_ptr())

    def truncated(
        self,
        m: torch.Tensor,
        width: int,
        shift: int,
        rounding: int,
        first: bool,
        shifted: torch.Tensor,
        top: torch.Tensor,
    ) -> torch.Tensor:
        """See ``tacit.ring.masked``."""
        _check_truncation(width, shift)
        m, shifted, top = _alike(m, shifted, top)
        n, out = m.shape[0], torch.empty_like(m)
        pointers = shifted.data_ptr(), top.data_ptr(), out.data_ptr()
        _native.truncated(self._index, m.data_ptr(), n, width, shift, rounding, first, *pointers)
        return out

    def chosen(
        self, m: torch.Tensor, first: bool, a: torch.Tensor, rho: torch.Tensor, rho_a: torch.Tensor, beta: torch.Tensor
    ) -> torch.Tensor:
        """See ``tacit.ring.masked``."""
        m, a, rho, rho_a = _alike(m, a, rho, rho_a)
        beta, n, out = _plane(beta, m), m.shape[0], torch.empty_like(m)
        pointers = a.data_ptr(), rho.data_ptr(), rho_a.data_ptr(), beta.data_ptr(), out.data_ptr()
        _native.chosen(self._index, m.data_ptr(), n, first, *pointers)
        return out

    def chosen_truncated(
        self,
        m: torch.Tensor,
        width: int,
        shift: int,
        first: bool,
        shifted: torch.Tensor,
        rho: torch.Tensor,
        rho_shifted: torch.Tensor,
        top: torch.Tensor,
        rho_top: torch.Tensor,
        beta: torch.Tensor,
    ) -> torch.Tensor:
        """See ``tacit.ring.masked``."""
        _check_truncation(width, shift)
        m, shifted, rho, rho_shifted, top, rho_top = _alike(m, shifted, rho, rho_shifted, top, rho_top)
        beta, n, out = _plane(beta, m), m.shape[0], torch.empty_like(m)
        shares = shifted.data_ptr(), rho.data_ptr(), rho_shifted.data_ptr(), top.data_ptr(), rho_top.data_ptr()
        _native.chosen_truncated(
            self._index, m.data_ptr(), n, width, shift, first, *shares, beta.data_ptr(), out.data_ptr()
        )
        return out

    def weighed(
        self, shares: torch.Tensor, beta: torch.Tensor, weights: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See ``tacit.ring.masked``."""
        _check(shares, 2)
        _check(beta, 1)
        _check(weights, 1)
        (rows, n), shares, beta, weights = shares.shape, shares.contiguous(), beta.contiguous(), weights.contiguous()
        _check_words(beta.shape[0], rows * n)
        if weights.shape[0] != rows:
            raise ValueError(f"{rows} rows have {rows} weights, got {weights.shape[0]}.")
        total, picked = (torch.empty(n, dtype=torch.int64) for _ in range(2))
        pointers = beta.data_ptr(), weights.data_ptr(), total.data_ptr(), picked.data_ptr()
        _native.weighed(self._index, shares.data_ptr(), rows, n, *pointers)
        return total, picked

    def encode(self, x: torch.Tensor, scale: int) -> torch.Tensor | None:
        """See ``tacit.ring.coding``."""
        _check_scale(scale)
        if x.dtype not in _REALS or x.device.type != "cpu":
            return coding.encode(x, scale)
        x, out = x.contiguous(), torch.empty(x.shape, dtype=torch.int64)
        numbers = x.data_ptr(), x.dtype == torch.float64, x.numel(), 2.0**scale
        return out if _native.encode(self._index, *numbers, out.data_ptr(), torch.get_num_threads()) else None

    def decode(self, ring: torch.Tensor, scale: int, dtype: torch.dtype) -> torch.Tensor:
        """See ``tacit.ring.coding``."""
        _check(ring, ring.dim())
        _check_scale(scale)
        if dtype not in _REALS or not ring.is_contiguous():  # a result has its argument's layout
            return coding.decode(ring, scale, dtype)
        out = torch.empty(ring.shape, dtype=dtype)
        numbers = ring.data_ptr(), ring.numel(), 2.0**-scale
        _native.decode(self._index, *numbers, dtype == torch.float64, out.data_ptr(), torch.get_num_threads())
        return out


def _check_scale(scale: int) -> None:
    if not 0 <= scale <= coding.RANGE_BITS:
        raise ValueError(f"A scale lies between 0 and {coding.RANGE_BITS} fraction bits, got {scale}.")


def _check_alike(first: Pair, second: Pair) -> None:
    for one, other in zip(first, second, strict=True):
        _check(other, one.dim())
        if one.shape != other.shape:
            raise ValueError(f"The terms of a sum have the same shapes, got {list(one.shape)} and {list(other.shape)}.")


def _alike(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    for tensor in tensors:
        _check(tensor, 1)
        if tensor.shape != tensors[0].shape:
            raise ValueError(f"Operands of one length are needed, got {[list(tensor.shape) for tensor in tensors]}.")
    return tuple(tensor.contiguous() for tensor in tensors)


def _plane(plane: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
    _check(plane, 1)
    _check_words(plane.shape[0], of.shape[0])
    return plane.contiguous()


def _check_truncation(width: int, shift: int) -> None:
    if not (2 <= width <= 64 and 0 <= shift <= width - 2 and width - shift < 64):
        raise ValueError(f"No truncation of {width} bits by {shift}.")


def _check(tensor: torch.Tensor, dimensions: int, dtype: torch.dtype = torch.int64) -> None:
    if tensor.dtype != dtype or tensor.dim() != dimensions or tensor.device.type != "cpu":
        raise ValueError(
            f"Expected a {dimensions}-dimensional {dtype} tensor on the CPU,"
            f" got {tensor.dtype}{list(tensor.shape)} on {tensor.device}."
        )


def _check_width(width: int) -> None:
    if not 1 <= width <= 64:
        raise ValueError(f"A width lies between 1 and 64 bits, got {width}.")


def _check_words(found: int, n: int) -> None:
    if n < 0 or found != -(-n // 64):
        raise ValueError(f"{n} elements have {-(-n // 64)} words in a plane, got {found}.")
