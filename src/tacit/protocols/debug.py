"""What a debug session adds to a protocol: values are opened as they are, and those that leave their range are named.

Nothing is secret in such a session. Openings change nothing: no value is settled by them, and no source is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tacit.errors import RangeError
from tacit.protocols._base import Protocol
from tacit.protocols.additive.protocol import AdditiveProtocol
from tacit.protocols.plaintext.ranges import exceeds, largest_product
from tacit.protocols.primitives import Parts
from tacit.protocols.share import EVERYONE, Share, required
from tacit.ring.bilinear import Bilinear
from tacit.ring.coding import RANGE_BITS
from tacit.ring.device.staging import to_host

WARNING = "debug=True: nothing is secret in this session, every party sees every value"


def opened(protocol: Protocol, x: Share) -> Tensor:
    """The ring integers (or bits) of ``x`` as they are, pending or not, for a debug session. One round."""
    if x.storage.known_by == EVERYONE:
        return to_host(required(x.clear)).clone()
    with protocol.metered("debug"):
        return to_host(required(protocol._reveal(x, None)))


class DebugAdditiveProtocol(AdditiveProtocol):
    """Raises ``RangeError``, with value and limit, where a primitive meets what it cannot do."""

    def _check_product(self, op: Bilinear, x: Share, y: Share) -> None:
        largest = largest_product(op, opened(self, x), opened(self, y))
        if largest >= 1 << RANGE_BITS:
            scale = x.scale + y.scale
            raise RangeError(beyond(f"a product before its truncation ({op.name})", largest / 2**scale, scale))

    def _compare(self, x: Share, thresholds: Sequence[int]) -> list[Share]:
        self._check_comparison(x, thresholds)
        return super()._compare(x, thresholds)

    def _relu(self, x: Share, shift: int) -> tuple[Parts, Share]:
        self._check_comparison(x, (1,))
        return super()._relu(x, shift)

    def _check_comparison(self, x: Share, thresholds: Sequence[int]) -> None:
        value, width = opened(self, x), self.comparison_width(x)
        if exceeds(value, tuple(thresholds), width):
            raise RangeError(
                f"a value that is compared reaches {_largest(value) / 2**x.scale:.4g}, and with compare_bits="
                f"{self.settings.compare_bits} its distance from what it is compared with must stay below "
                f"2**{width - 2 - x.scale} ({2.0 ** (width - 2 - x.scale):.4g})"
            )


def beyond(what: str, value: float, scale: int) -> str:
    """``what`` reaches a value beyond the limit of ``scale`` fraction bits."""
    exponent = RANGE_BITS - scale
    limit = f"2**{exponent} ({2.0**exponent:.4g})"
    return f"{what} reaches {value:.4g}, and with {scale} fraction bits it must stay below {limit}"


def _largest(value: Tensor) -> int:
    return max(abs(int(value.min())), abs(int(value.max()))) if value.numel() else 0
