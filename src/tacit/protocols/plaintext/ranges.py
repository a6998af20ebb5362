"""What the plaintext protocol can check and no secure one can see: that every value stays within its range."""

from __future__ import annotations

from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import RangeError
from tacit.protocols.share import Share
from tacit.ring.bilinear import Bilinear

_LEFT, _RIGHT = 20, 12
"""Low bits that the factors of a product lose for the check; what is left of the product cannot wrap around."""


def check_product(op: Bilinear, x: Tensor, y: Tensor) -> None:
    """Raise ``RangeError`` if ``op(x, y)`` leaves ``|.| < 2**62``, judged by the leading bits of the factors."""
    if largest_product(op, x, y) > 1 << 62:
        raise RangeError(
            f"a product ({op.name}) at {caller_line()} is too large for fixed point: scale the data or the weights "
            "down, or choose fewer frac_bits. Under a secure protocol it would have wrapped around unnoticed."
        )


def largest_product(op: Bilinear, x: Tensor, y: Tensor) -> int:
    """About the largest element of ``op(x, y)`` in absolute value, without wrapping around."""
    estimate = op(x >> _LEFT, y >> _RIGHT)
    return int(estimate.abs().max()) << (_LEFT + _RIGHT) if estimate.numel() else 0


def check_comparison(x: Share, thresholds: tuple[int, ...], width: int) -> None:
    """Raise ``RangeError`` unless ``|x - t| < 2**(width - 2)`` for every threshold."""
    if exceeds(x.parts[0], thresholds, width):
        raise RangeError(
            f"a value compared at {caller_line()} is beyond what compare_bits allows: choose a larger compare_bits "
            "(64 is the most). Under a secure protocol the comparison would have been wrong unnoticed."
        )


def exceeds(value: Tensor, thresholds: tuple[int, ...], width: int) -> bool:
    """Whether ``value`` is too far from a threshold for a comparison of that width."""
    if not value.numel():
        return False
    low, high, limit = int(value.min()), int(value.max()), 1 << (width - 2)
    return any(high - t >= limit or low - t <= -limit for t in thresholds)
