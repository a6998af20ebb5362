"""ChaCha20 (RFC 8439) as one Triton kernel: each lane makes one block. The same bytes as ``chacha.fill``.

Import fails where Triton is not installed. With ``TRITON_INTERPRET=1`` in the environment when this module is
imported, the kernel runs on CPU tensors.
"""

# mypy: disable-error-code="untyped-decorator,no-untyped-def"

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from tacit.ring.device.chacha_torch import BLOCK_BYTES, BLOCK_WORDS

_LANES = 128
# Blocks a launch (1 GiB): offsets in it fit 32 bits.
_BLOCKS = 1 << 24


def fill(key: Tensor, stream: int, target: Tensor) -> None:
    """Overwrite a contiguous ``target`` with the first bytes of a stream. key: see ``chacha_torch.key_words``."""
    flat = target.view(-1).view(torch.uint8)
    whole = flat.shape[0] % 4 == 0 and flat.storage_offset() % 4 == 0
    words = flat.view(torch.int32) if whole else flat.new_empty(-(-flat.shape[0] // 4), dtype=torch.int32)
    low, high = _signed(stream), _signed(stream >> 32)
    for first in range(0, -(-flat.shape[0] // BLOCK_BYTES), _BLOCKS):
        part = words[first * BLOCK_WORDS : (first + _BLOCKS) * BLOCK_WORDS]
        grid = (triton.cdiv(part.shape[0], BLOCK_WORDS * _LANES),)
        _blocks[grid](key, _signed(first), low, high, part, part.shape[0], LANES=_LANES)
    if not whole:
        flat.copy_(words.view(torch.uint8)[: flat.shape[0]])


def _signed(word: int) -> int:
    """The low 32 bits as a signed number: whatever they are, the kernel is compiled once."""
    return ((word + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


@triton.jit
def _quarter(a, b, c, d):
    a += b
    d ^= a
    d = (d << 16) | (d >> 16)
    c += d
    b ^= c
    b = (b << 12) | (b >> 20)
    a += b
    d ^= a
    d = (d << 8) | (d >> 24)
    c += d
    b ^= c
    b = (b << 7) | (b >> 25)
    return a, b, c, d


@triton.jit
def _put(out, offset, word, count):
    tl.store(out + offset, word.to(tl.int32, bitcast=True), mask=offset < count)


@triton.jit(do_not_specialize=["first", "low", "high", "count"])
def _blocks(key, first, low, high, out, count, LANES: tl.constexpr):
    lane = tl.program_id(0) * LANES + tl.arange(0, LANES)
    zero = tl.full([LANES], 0, tl.uint32)
    k0 = zero + tl.load(key).to(tl.uint32, bitcast=True)
    k1 = zero + tl.load(key + 1).to(tl.uint32, bitcast=True)
    k2 = zero + tl.load(key + 2).to(tl.uint32, bitcast=True)
    k3 = zero + tl.load(key + 3).to(tl.uint32, bitcast=True)
    k4 = zero + tl.load(key + 4).to(tl.uint32, bitcast=True)
    k5 = zero + tl.load(key + 5).to(tl.uint32, bitcast=True)
    k6 = zero + tl.load(key + 6).to(tl.uint32, bitcast=True)
    k7 = zero + tl.load(key + 7).to(tl.uint32, bitcast=True)
    number = (first + lane).to(tl.uint32, bitcast=True)
    n0 = (tl.full([LANES], 0, tl.int32) + low).to(tl.uint32, bitcast=True)
    n1 = (tl.full([LANES], 0, tl.int32) + high).to(tl.uint32, bitcast=True)
    x0 = tl.full([LANES], 0x61707865, tl.uint32)
    x1 = tl.full([LANES], 0x3320646E, tl.uint32)
    x2 = tl.full([LANES], 0x79622D32, tl.uint32)
    x3 = tl.full([LANES], 0x6B206574, tl.uint32)
    x4, x5, x6, x7, x8, x9, x10, x11 = k0, k1, k2, k3, k4, k5, k6, k7
    x12, x13, x14, x15 = number, zero, n0, n1
    for _ in range(10):
        x0, x4, x8, x12 = _quarter(x0, x4, x8, x12)
        x1, x5, x9, x13 = _quarter(x1, x5, x9, x13)
        x2, x6, x10, x14 = _quarter(x2, x6, x10, x14)
        x3, x7, x11, x15 = _quarter(x3, x7, x11, x15)
        x0, x5, x10, x15 = _quarter(x0, x5, x10, x15)
        x1, x6, x11, x12 = _quarter(x1, x6, x11, x12)
        x2, x7, x8, x13 = _quarter(x2, x7, x8, x13)
        x3, x4, x9, x14 = _quarter(x3, x4, x9, x14)
    at = lane * 16
    _put(out, at, x0 + 0x61707865, count)
    _put(out, at + 1, x1 + 0x3320646E, count)
    _put(out, at + 2, x2 + 0x79622D32, count)
    _put(out, at + 3, x3 + 0x6B206574, count)
    _put(out, at + 4, x4 + k0, count)
    _put(out, at + 5, x5 + k1, count)
    _put(out, at + 6, x6 + k2, count)
    _put(out, at + 7, x7 + k3, count)
    _put(out, at + 8, x8 + k4, count)
    _put(out, at + 9, x9 + k5, count)
    _put(out, at + 10, x10 + k6, count)
    _put(out, at + 11, x11 + k7, count)
    _put(out, at + 12, x12 + number, count)
    _put(out, at + 13, x13, count)
    _put(out, at + 14, x14 + n0, count)
    _put(out, at + 15, x15 + n1, count)
