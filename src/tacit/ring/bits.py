"""Bit planes and packed bits.

A *plane* holds one bit of each of N elements, 64 elements to an int64 word: element e is bit e % 64 of word e // 64.
Padding bits are zero. A gate on bits is then a plain xor or and over contiguous words, and a bit on the wire is a bit.
"""

from __future__ import annotations

import torch

from tacit.errors import MisuseError
from tacit.ring import kernels

WORD_BITS = 64
_WHOLE_TYPES = {8: torch.uint8, 16: torch.int16, 32: torch.int32, 64: torch.int64}


def words(n: int) -> int:
    """How many 64-bit words a plane of ``n`` elements has."""
    return -(-n // WORD_BITS)


def to_planes(x: torch.Tensor, width: int) -> torch.Tensor:
    """Bit planes 0 to width - 1 (lowest first) of int64[N]: int64[width, words(N)]. width: 1 to 64."""
    _check_width(width)
    _check_vector(x, torch.int64)
    return kernels.to_planes(x.contiguous(), width)


def from_planes(planes: torch.Tensor, n: int) -> torch.Tensor:
    """The inverse of ``to_planes``: int64[n] from int64[width, words(n)]; bits above the planes are zero."""
    if planes.dim() != 2 or planes.dtype != torch.int64 or planes.shape[1] != words(n):
        raise MisuseError(
            f"from_planes takes int64[width, {words(n)}] for {n} elements, got {planes.dtype}{list(planes.shape)}."
        )
    _check_width(planes.shape[0])
    return kernels.from_planes(planes.contiguous(), n)


def pack_bits(bits: torch.Tensor) -> torch.Tensor:
    """Pack bool[N] into one plane: int64[words(N)]."""
    _check_vector(bits, torch.bool)
    return kernels.pack_bits(bits.contiguous())


def unpack_bits(plane: torch.Tensor, n: int) -> torch.Tensor:
    """Unpack one plane, int64[words(n)], into bool[n]."""
    _check_vector(plane, torch.int64)
    if plane.shape[0] != words(n):
        raise MisuseError(f"A plane of {n} elements has {words(n)} words, got {plane.shape[0]}.")
    return kernels.unpack_bits(plane.contiguous(), n)


def packed_bytes(n: int, width: int) -> int:
    """How many bytes ``pack_width`` makes of ``n`` elements."""
    _check_width(width)
    return n * width // 8 if width in _WHOLE_TYPES else width * words(n) * 8


def pack_width(x: torch.Tensor, width: int) -> torch.Tensor:
    """The ``width`` low bits of int64[N] for the wire, uint8[packed_bytes(N, width)]. width: 1 to 64.

    8, 16, 32 and 64 are little-endian integers of that size; any other width goes as bit planes.
    """
    _check_width(width)
    _check_vector(x, torch.int64)
    if width in _WHOLE_TYPES:
        return x.contiguous().to(_WHOLE_TYPES[width]).view(torch.uint8)
    return to_planes(x, width).reshape(-1).view(torch.uint8)


def unpack_width(data: torch.Tensor, n: int, width: int) -> torch.Tensor:
    """The inverse of ``pack_width``: int64[n], zero-extended from ``width`` bits."""
    _check_vector(data, torch.uint8)
    if data.shape[0] != packed_bytes(n, width):
        raise MisuseError(f"{n} elements of {width} bits take {packed_bytes(n, width)} bytes, got {data.shape[0]}.")
    if data.storage_offset() % 8:
        data = data.clone()  # a view as a wider type must start at a multiple of its size
    if width == WORD_BITS:
        return data.view(torch.int64)
    if width in _WHOLE_TYPES:
        return data.view(_WHOLE_TYPES[width]).to(torch.int64) & ((1 << width) - 1)
    return from_planes(data.view(torch.int64).view(width, words(n)), n)


def _check_width(width: int) -> None:
    if not 1 <= width <= WORD_BITS:
        raise MisuseError(f"A width lies between 1 and {WORD_BITS} bits, got {width}.")


def _check_vector(x: torch.Tensor, dtype: torch.dtype) -> None:
    if x.dim() != 1 or x.dtype != dtype:
        raise MisuseError(f"Expected a one-dimensional {dtype} tensor, got {x.dtype}{list(x.shape)}.")
