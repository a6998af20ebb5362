"""Packing bits into words and back, eight at a time, by arithmetic on words (Hacker's Delight 7-4). Little-endian."""

from __future__ import annotations

import torch
from torch import Tensor

# Times this, the lowest bits of a word's eight bytes come together in its highest byte.
_GATHER = 0x0102040810204080
# Times this, a byte is in all eight bytes of a word.
_REPEAT = 0x0101010101010101
# Bit i of byte i.
_DIAGONAL = 0x8040201008040201 - (1 << 64)
# Added to a byte that has at most one bit, this carries any bit to the highest one.
_CARRY = 0x7F7F7F7F7F7F7F7F


def pack_bits(bits: Tensor) -> Tensor:
    """bool[n] -> int64[ceil(n / 64)], padding bits zero."""
    n = bits.shape[0]
    count = -(-n // 64)
    padded = bits
    if n != count * 64:
        padded = bits.new_zeros(count * 64)
        padded[:n] = bits
    eights = (padded.view(torch.uint8) != 0).view(torch.int64)  # a true byte need not be 1
    return ((eights * _GATHER) >> 56).to(torch.uint8).view(torch.int64)


def unpack_bits(plane: Tensor, n: int) -> Tensor:
    """int64[ceil(n / 64)] -> bool[n]."""
    apart = (plane.view(torch.uint8).to(torch.int64) * _REPEAT) & _DIAGONAL
    bits = (((apart + _CARRY) >> 7) & _REPEAT).view(torch.uint8).view(torch.bool)
    return bits if n == bits.shape[0] else bits[:n].clone()
