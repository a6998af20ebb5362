"""The kernels in torch alone: the definition that native code is tested against, and the way without a compiler.

Little-endian hosts only, like the native kernels and the wire format.
"""

from __future__ import annotations

import functools
import time

import numpy
import torch

from tacit.ring.chunks import CHUNK_BITS, ENTRIES, chunk_widths
from tacit.ring.coding import decode, encode
from tacit.ring.conjunctions import conjunctions
from tacit.ring.lookup import exp_products, exp_table, harmonic_tables, wave_products
from tacit.ring.masked import chosen, chosen_truncated, truncated, weighed
from tacit.ring.window import Pair, Window
from tacit.ring.window import convolve as by_columns

__all__ = [
    "bmm",
    "chosen",
    "chosen_truncated",
    "conjunctions",
    "convolve",
    "decode",
    "encode",
    "exp_products",
    "exp_table",
    "from_planes",
    "harmonic_tables",
    "look_up",
    "matmul",
    "pack_bits",
    "prefix_tables",
    "to_planes",
    "truncated",
    "unpack_bits",
    "wave_products",
    "weighed",
]

# Below this many multiplications, or for so thin a matrix, cutting into limbs never pays (measured).
_SMALL = 1 << 15
_THIN = 3
_LIMB_BITS = 16
_LIMBS = 4
# A product of two limbs is below 2^32 and float64 adds 2^21 of them without an error.
_EXACT_TERMS = 1 << 21


def matmul(a: torch.Tensor, b: torch.Tensor, plus: Pair | None = None) -> torch.Tensor:
    """int64[m, k] @ int64[k, n] modulo 2^64, and added to it the product of two more such matrices."""
    more = None if plus is None else (plus[0].unsqueeze(0), plus[1].unsqueeze(0))
    return bmm(a.unsqueeze(0), b.unsqueeze(0), more).squeeze(0)


def bmm(a: torch.Tensor, b: torch.Tensor, plus: Pair | None = None) -> torch.Tensor:
    """int64[s, m, k] @ int64[s, k, n] modulo 2^64, and added to it the product of two more such batches."""
    out = _bmm(a, b)
    return out if plus is None else out.add_(_bmm(*plus))


def convolve(x: torch.Tensor, w: torch.Tensor, window: Window, plus: Pair | None = None) -> torch.Tensor:
    """x[N, C, *s], w[O, C/groups, *k] -> [N, O, *out], and added to it the same of two more such tensors."""
    out = by_columns(_bmm, x, w, window)
    return out if plus is None else out.add_(by_columns(_bmm, *plus, window))


def _bmm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    size, rows, inner = a.shape
    columns = b.shape[2]
    if rows * inner * columns <= _SMALL or min(rows, columns) <= _THIN or _int64_product_is_fast():
        return torch.bmm(a, b)
    out = a.new_zeros(size, rows, columns)
    for start in range(0, inner, _EXACT_TERMS):
        stop = start + _EXACT_TERMS
        _add_limb_products(out, a[:, :, start:stop], b[:, start:stop])
    return out


@functools.cache
def _int64_product_is_fast() -> bool:
    """Whether torch multiplies int64 matrices faster than float64 limbs do: 0.3 to 30 GMAC/s, by processor."""
    square = torch.ones(96, 96, dtype=torch.int64)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        torch.mm(square, square)
        times.append(time.perf_counter() - start)
    return 96**3 / min(times) > 3e9


def _add_limb_products(out: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> None:
    left = [_limb(a, index) for index in range(_LIMBS)]
    right = [_limb(b, index) for index in range(_LIMBS)]
    for i in range(_LIMBS):
        for j in range(_LIMBS - i):  # limbs i and j meet at bit 16(i + j); from 64 on they vanish
            out += torch.bmm(left[i], right[j]).to(torch.int64) << (_LIMB_BITS * (i + j))


def _limb(x: torch.Tensor, index: int) -> torch.Tensor:
    return ((x >> (_LIMB_BITS * index)) & ((1 << _LIMB_BITS) - 1)).to(torch.float64)


def to_planes(x: torch.Tensor, width: int) -> torch.Tensor:
    """int64[n] -> int64[width, ceil(n / 64)]: plane j holds bit j."""
    count = -(-x.shape[0] // 64)
    padded = x.new_zeros(count * 64)
    padded[: x.shape[0]] = x
    planes = _transpose(padded.view(count, 64))[:, :width].t()
    return planes.clone(memory_format=torch.contiguous_format)  # with the strides of a row even where there is one word


def from_planes(planes: torch.Tensor, n: int) -> torch.Tensor:
    """int64[width, ceil(n / 64)] -> int64[n], the inverse of ``to_planes``."""
    width, count = planes.shape
    padded = planes.new_zeros(count, 64)
    padded[:, :width] = planes.t()
    result = _transpose(padded).view(-1)[:n]
    return result if n == count * 64 else result.clone()


def _transpose(blocks: torch.Tensor) -> torch.Tensor:
    """Transpose each row of int64[count, 64] as a 64 x 64 bit matrix, in place (Hacker's Delight 7-3)."""
    step, mask = 32, 0x00000000FFFFFFFF
    while step:
        pairs = blocks.view(blocks.shape[0], 32 // step, 2, step)
        low, high = pairs[:, :, 0], pairs[:, :, 1]
        swap = ((low >> step) ^ high) & mask  # the mask also clears what an arithmetic shift drags in
        high ^= swap
        low ^= swap << step
        step >>= 1
        mask ^= mask << step
    return blocks


def pack_bits(bits: torch.Tensor) -> torch.Tensor:
    """bool[n] -> int64[ceil(n / 64)], padding bits zero."""
    packed = torch.zeros(-(-bits.shape[0] // 64) * 8, dtype=torch.uint8)
    data = numpy.packbits(bits.numpy(), bitorder="little")
    packed[: data.shape[0]] = torch.from_numpy(data)
    return packed.view(torch.int64)


def unpack_bits(plane: torch.Tensor, n: int) -> torch.Tensor:
    """int64[ceil(n / 64)] -> bool[n]."""
    data = plane.view(torch.uint8).numpy()
    return torch.from_numpy(numpy.unpackbits(data, count=n, bitorder="little")).view(torch.bool)


def look_up(tables: torch.Tensor, digits: torch.Tensor, one: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Shares of [v < r] and [v == r] for each chunk of a public v, int64[chunks, words] each, lowest chunk first.

    tables: shares of the tables of r (see ``prefix_tables``). digits: the bit planes of v. one: whether this party is
    the one that adds public constants.
    """
    widths = chunk_widths(digits.shape[0])
    ones = torch.full_like(digits[0], -1 if one else 0)
    upto = ones.new_zeros((ENTRIES + 1, len(widths), digits.shape[1]))
    named = ones.new_zeros((CHUNK_BITS, len(widths), digits.shape[1]))
    start = bit = 0
    for chunk, width in enumerate(widths):
        size = (1 << width) - 1
        upto[1 : size + 1, chunk] = tables[start : start + size]
        upto[size + 1 :, chunk] = ones
        named[:width, chunk] = digits[bit : bit + width]
        start, bit = start + size, bit + width
    at, below = upto[1:], upto[:-1]
    for digit in reversed(named):
        half = at.shape[0] // 2
        at = at[:half] ^ (digit & (at[:half] ^ at[half:]))
        below = below[:half] ^ (digit & (below[:half] ^ below[half:]))
    return ones ^ at[0], at[0] ^ below[0]


def prefix_tables(planes: torch.Tensor, tables: torch.Tensor) -> None:
    """The tables [chunk <= v] of a value given as bit planes, written into int64[table_planes(bits), words]."""
    row = start = 0
    for width in chunk_widths(planes.shape[0]):
        hot = [torch.full_like(planes[0], -1)]
        for plane in planes[start : start + width].flip(0):
            hot = [half for one in hot for half in (one & ~plane, one & plane)]
        reached = torch.zeros_like(planes[0])
        for one in hot[:-1]:
            reached = reached | one
            tables[row] = reached
            row += 1
        start += width
