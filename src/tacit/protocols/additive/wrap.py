"""The public side of a truncation: what becomes of the opened value c = x + 2**(w - 2) + r modulo 2**w."""

from __future__ import annotations

from torch import Tensor

from tacit.protocols.additive.opening import Opened


def biased(o: Opened, width: int) -> Tensor:
    """c: the opened value moved up by ``2**(width - 2)``, modulo ``2**width``, flat."""
    c = o.value.reshape(-1) + (1 << (width - 2))
    return c if width == 64 else c & ((1 << width) - 1)


def quotient(c: Tensor, width: int, shift: int) -> Tensor:
    """The public part ``(c >> shift) - 2**(width - 2 - shift)``."""
    shifted = (c >> shift) & ((1 << (64 - shift)) - 1) if shift else c
    return shifted - (1 << (width - 2 - shift))


def wrapped(c: Tensor, width: int, shift: int) -> Tensor:
    """The public factor ``(1 - c_top) 2**(width - shift)`` of the mask's top bit."""
    return (1 - ((c >> (width - 1)) & 1)) << (width - shift)


def as_signed(number: int) -> int:
    """A whole number as the signed ring integer that is equal to it modulo 2**64."""
    return ((number + (1 << 63)) % (1 << 64)) - (1 << 63)
