"""Matrix products modulo 2^64 on units that multiply 8-bit integers, or where those do not pay, float64.

A ring integer is ``sum(256**i * limb[i])`` with eight signed limbs: the bytes of ``x + 0x8080808080808080``, each less
128. Of the 64 products of limbs, 36 meet below 2^64. Those that meet at the same power s are one product of the limbs
0 to s of the left operand, side by side, with the limbs s to 0 of the right one, on top of each other: eight products.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.ring.window import Pair, Window
from tacit.ring.window import convolve as by_columns

_BIAS = 0x8080808080808080 - (1 << 64)
_LIMBS = 8

EXACT_INNER = 16368
"""The largest inner size, a multiple of 16, at which eight sums of products up to 2^14 stay below 2^31."""

# What ``torch._int_mm`` takes on CUDA: more than 16 rows, inner size and columns in multiples of 8. Multiples of 16
# keep every slice of limbs aligned to 16 bytes, which the fast kernels want.
_FEWEST_ROWS = 32
_MULTIPLE = 16

# Guesses, to be replaced by measurements (benchmarks/gpu.py): below so many multiplications one matrix product does
# not fill a large device, and float64 does a whole batch of them at once.
_WORTH_LIMBS = 1 << 22
_SMALL = 1 << 14
_THIN = 4

# Elementwise products are formed for so many at a time (256 MiB).
_ELEMENTS = 1 << 25

_WIDE_BITS = 16
_WIDE_LIMBS = 4
# A product of two 16-bit limbs is below 2^32 and float64 adds 2^21 of them without an error.
_WIDE_EXACT = 1 << 21


def matmul(a: Tensor, b: Tensor, plus: Pair | None = None) -> Tensor:
    """int64[m, k] @ int64[k, n] modulo 2^64, and added to it one more such product; the operands may be strided."""
    more = None if plus is None else (plus[0].unsqueeze(0), plus[1].unsqueeze(0))
    return bmm(a.unsqueeze(0), b.unsqueeze(0), more).squeeze(0)


def bmm(a: Tensor, b: Tensor, plus: Pair | None = None) -> Tensor:
    """int64[s, m, k] @ int64[s, k, n] modulo 2^64, and added to it one more; all may be strided or expanded."""
    out = _bmm(a, b)
    return out if plus is None else out.add_(_bmm(*plus))


def convolve(x: Tensor, w: Tensor, window: Window, plus: Pair | None = None) -> Tensor:
    """x[N, C, *s], w[O, C/groups, *k] -> [N, O, *out], and added to it one more."""
    out = by_columns(_bmm, x, w, window)
    return out if plus is None else out.add_(by_columns(_bmm, *plus, window))


def _bmm(a: Tensor, b: Tensor) -> Tensor:
    size, rows, inner = a.shape
    columns = b.shape[2]
    each = rows * inner * columns
    if not size * each:
        return a.new_zeros(size, rows, columns)
    if min(rows, columns) <= _THIN or size * each <= _SMALL:
        return by_elements(a, b)
    if size == 1 or each >= _WORTH_LIMBS:
        products = [by_limbs(a[i], b[i]) for i in range(size)]
        return products[0].unsqueeze(0) if size == 1 else torch.stack(products)
    return by_doubles(a, b)


def by_limbs(a: Tensor, b: Tensor) -> Tensor:
    """int64[m, k] @ int64[k, n] as eight products of signed bytes for each ``EXACT_INNER`` of the inner size."""
    total = _limb_product(a[:, :EXACT_INNER], b[:EXACT_INNER])
    for start in range(EXACT_INNER, a.shape[1], EXACT_INNER):
        total += _limb_product(a[:, start : start + EXACT_INNER], b[start : start + EXACT_INNER])
    return total


def _limb_product(a: Tensor, b: Tensor) -> Tensor:
    rows, columns = a.shape[0], b.shape[1]
    inner = _up(a.shape[1])
    left = _limbs(a, max(_FEWEST_ROWS, _up(rows)), inner, lowest_first=True)
    right = _limbs(b.t(), _up(columns), inner, lowest_first=False)
    total = a.new_zeros(rows, columns)
    for power in reversed(range(_LIMBS)):
        terms = (power + 1) * inner
        # Row-major by column-major: the one layout of 8-bit operands that cuBLAS takes on all devices.
        product = torch._int_mm(left[:, :terms], right[:, -terms:].t())
        torch.add(product[:rows, :columns], total, alpha=256, out=total)  # Horner's rule
    return total


def _limbs(x: Tensor, rows: int, inner: int, lowest_first: bool) -> Tensor:
    """The limbs of int64[m, k] as int8[rows, 8 * inner]: all first limbs of a row, then all second ones, and so on."""
    count, length = x.shape
    limbs = x.contiguous().add(_BIAS).bitwise_xor_(_BIAS).view(torch.int8).view(count, length, _LIMBS)
    ordered = (limbs if lowest_first else limbs.flip(2)).transpose(1, 2)
    if (rows, inner) == (count, length):
        return ordered.reshape(rows, _LIMBS * inner)
    padded = limbs.new_zeros(rows, _LIMBS, inner)
    padded[:count, :, :length] = ordered
    return padded.view(rows, _LIMBS * inner)


def by_elements(a: Tensor, b: Tensor) -> Tensor:
    """int64[s, m, k] @ int64[s, k, n] as elementwise products and sums: for vectors, thin and very small matrices."""
    size, rows, inner = a.shape
    columns = b.shape[2]
    out = a.new_zeros(size, rows, columns)
    batch = max(1, _ELEMENTS // (rows * inner * columns))
    terms = inner if batch > 1 else max(1, _ELEMENTS // (rows * columns))
    for i in range(0, size, batch):
        for k in range(0, inner, terms):
            left, right = a[i : i + batch, :, k : k + terms], b[i : i + batch, k : k + terms]
            if columns <= rows:  # sums run along the memory of the products, whatever the operands' layout
                products = left.unsqueeze(1) * right.transpose(1, 2).unsqueeze(2)
                out[i : i + batch] += products.sum(3).transpose(1, 2)
            else:
                out[i : i + batch] += (left.unsqueeze(3) * right.unsqueeze(1)).sum(2)
    return out


def by_doubles(a: Tensor, b: Tensor) -> Tensor:
    """int64[s, m, k] @ int64[s, k, n] as ten products of 16-bit limbs in float64: for batches of small matrices."""
    total = a.new_zeros(a.shape[0], a.shape[1], b.shape[2])
    for start in range(0, a.shape[2], _WIDE_EXACT):
        left = _wide_limbs(a[:, :, start : start + _WIDE_EXACT])
        right = _wide_limbs(b[:, start : start + _WIDE_EXACT])
        for i in range(_WIDE_LIMBS):
            for j in range(_WIDE_LIMBS - i):
                product = torch.bmm(left[i], right[j]).to(torch.int64)
                torch.add(total, product, alpha=1 << (_WIDE_BITS * (i + j)), out=total)
    return total


def _wide_limbs(x: Tensor) -> list[Tensor]:
    mask = (1 << _WIDE_BITS) - 1
    return [((x >> (_WIDE_BITS * index)) & mask).to(torch.float64) for index in range(_WIDE_LIMBS)]


def _up(count: int) -> int:
    return -(-count // _MULTIPLE) * _MULTIPLE
