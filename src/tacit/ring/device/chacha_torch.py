"""ChaCha20 (RFC 8439) on an accelerator: the bytes of ``tacit.ring.prg``, in torch operations.

The state is four constants, eight words of key, the block number, the nonce's first word, which is zero here, and the
low and the high half of the stream number. What this costs is a kernel launch for each step of a quarter round;
``chacha_triton`` does all of it in one launch and is taken where Triton is there.
"""

from __future__ import annotations

import struct

import torch
from torch import Tensor

CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")
BLOCK_BYTES = 64
BLOCK_WORDS = 16
_DOUBLE_ROUNDS = 10
_MASK = 0xFFFFFFFF
# Blocks at a time: the sixteen words, as int64, and the temporaries stay below 512 MiB.
_BLOCKS = 1 << 20


def key_words(key: bytes, device: torch.device) -> Tensor:
    """A key of 32 bytes as ``fill`` takes it: int32[8] on the device."""
    return torch.frombuffer(bytearray(key), dtype=torch.int32).to(device)


def fill(key: Tensor, stream: int, target: Tensor) -> None:
    """Overwrite a contiguous ``target`` with the first bytes of a stream. key: see ``key_words``."""
    flat = target.view(-1).view(torch.uint8)
    nonce = torch.tensor([0, 0, stream & _MASK, stream >> 32]).to(key.device)
    start = torch.cat([torch.tensor(CONSTANTS).to(key.device), key.to(torch.int64) & _MASK, nonce])
    for first in range(0, -(-flat.shape[0] // BLOCK_BYTES), _BLOCKS):
        part = flat[first * BLOCK_BYTES : (first + _BLOCKS) * BLOCK_BYTES]
        numbers = torch.arange(first, first + -(-part.shape[0] // BLOCK_BYTES), device=key.device)
        part.copy_(_blocks(start, numbers).view(torch.uint8)[: part.shape[0]])


def _blocks(start: Tensor, numbers: Tensor) -> Tensor:
    """The blocks with these numbers, one after the other: int32[16 * len(numbers)]."""
    state = start.unsqueeze(1).repeat(1, numbers.shape[0])
    state[12] += numbers
    state = state.view(4, 4, -1)
    rows = tuple(state)
    for _ in range(_DOUBLE_ROUNDS):
        rows = _turned(_quarter_rounds(*rows), 1)  # down the four columns of the state
        rows = _turned(_quarter_rounds(*rows), -1)  # down its four diagonals
    words = (torch.stack(rows) + state) & _MASK
    return words.view(BLOCK_WORDS, -1).t().to(torch.int32).reshape(-1)


def _quarter_rounds(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, ...]:
    """Four quarter rounds side by side, on words of 32 bits that are held in 64."""
    for first, second in ((16, 12), (8, 7)):
        a = (a + b) & _MASK
        d = _rotated(d ^ a, first)
        c = (c + d) & _MASK
        b = _rotated(b ^ c, second)
    return a, b, c, d


def _rotated(x: Tensor, by: int) -> Tensor:
    return ((x << by) & _MASK) | (x >> (32 - by))


def _turned(rows: tuple[Tensor, ...], by: int) -> tuple[Tensor, ...]:
    """The rows with the diagonals brought into columns (by = 1), or back."""
    return (rows[0], *(row.roll(-i * by, 0) for i, row in enumerate(rows[1:], start=1)))
