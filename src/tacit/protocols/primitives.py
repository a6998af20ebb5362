"""The few primitives that a protocol implements. They see ring integers and bits; scales are kept a level above."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from torch import Tensor

from tacit.party import Party
from tacit.protocols.share import Share
from tacit.ring.bilinear import Bilinear
from tacit.ring.elementary import ExpRange, Wave
from tacit.settings import Settings
from tacit.transport.channel import Channel

Parts = tuple[Tensor, ...]


class Primitives(ABC):
    """What one party does for each primitive. Every party calls the same ones in the same order."""

    name: ClassVar[str]

    def __init__(self, party: Party, settings: Settings, channel: Channel) -> None:
        self.party = party
        self.settings = settings
        self.channel = channel
        self.device = channel.device
        """Where the shares lie and this party computes with them."""

        self.shadows: Any = None
        """In a debug session, what computes the plain value of every secret beside it (``tacit.tensor.shadow``)."""

    def placed(self, value: Tensor) -> Tensor:
        """A public tensor where the shares lie. All public numbers are computed on the CPU, by every party alike."""
        return value if value.device == self.device else value.to(self.device)

    def metered(self, primitive: str) -> AbstractContextManager[None]:
        """A context in which costs count as ``primitive``."""
        return self.channel.meter.op(primitive)

    def prepare(self, limit: int) -> None:  # noqa: B027 - most protocols do not know what will be asked
        """Work ahead while there is no input, in at most ``limit`` bytes of memory. Talks to nobody."""

    def comparison_width(self, x: Share) -> int:
        """How many bits a comparison of x opens; x less the threshold must lie within ``2**(width - 2)``."""
        excess = x.scale - x.storage.unit
        return min(64, self.settings.compare_bits + (excess + 1 if excess > 0 else 0))

    def _check_product(self, op: Bilinear, x: Share, y: Share) -> None:  # noqa: B027 - most protocols cannot tell
        """Raise ``RangeError`` if a product leaves its range, where the protocol can tell."""

    @abstractmethod
    def _input(self, value: Tensor | None, owner: int, shape: tuple[int, ...], boolean: bool) -> Parts:
        """Share what only ``owner`` holds (None elsewhere)."""

    @abstractmethod
    def _constant(self, value: Tensor) -> Parts:
        """The share of a value that everybody knows."""

    @abstractmethod
    def _reveal(self, x: Share, to: int | None) -> Tensor | None:
        """Disclose the ring integers or bits to one party or to all."""

    @abstractmethod
    def _multiply(self, op: Bilinear, x: Share, y: Share) -> Parts:
        """The bilinear product in the ring."""

    @abstractmethod
    def _square(self, x: Share) -> Parts:
        """The square in the ring."""

    @abstractmethod
    def _truncate(self, xs: Sequence[Share], shifts: Sequence[int]) -> list[Parts]:
        """``x / 2**shift`` rounded as the settings say, for all of ``xs`` in the same round."""

    @abstractmethod
    def _compare(self, x: Share, thresholds: Sequence[int]) -> list[Share]:
        """The bits ``[x >= t]``."""

    @abstractmethod
    def _equals_zero(self, x: Share) -> Share:
        """The bits ``[x == 0]``."""

    @abstractmethod
    def _relu(self, x: Share, shift: int) -> tuple[Parts, Share]:
        """``max(x, 0) / 2**shift`` and the bits ``[x > 0]``."""

    @abstractmethod
    def _select(self, bits: Sequence[Share], xs: Sequence[Share], shifts: Sequence[int]) -> list[Parts]:
        """``bit * x / 2**shift`` for each pair of a bit and an x of one shape, all in the same round."""

    @abstractmethod
    def _select_sums(self, bits: Share, xs: Sequence[Share]) -> list[Callable[[Tensor], Parts]]:
        """For 1 and each of ``xs``, of one shape: weights to the sum of ``w_i * bits[i] * x``; all in one round."""

    @abstractmethod
    def _both(self, x: Share, y: Share) -> Parts:
        """The conjunction of bits of one shape."""

    @abstractmethod
    def _to_number(self, bit: Share) -> Parts:
        """A bit as a ring integer."""

    @abstractmethod
    def _bits(self, x: Share, width: int) -> Parts:
        """The ``width`` low bits of a ring integer, lowest first along a new first dimension."""

    @abstractmethod
    def _exponential(self, x: Share, shifts: Sequence[int], span: ExpRange) -> list[Parts]:
        """``e**x / 2**shift`` at scale 60 for each shift where x less its offset lies in the span."""

    @abstractmethod
    def _waves(self, x: Share, period_bits: int, series: Sequence[Wave]) -> list[Parts]:
        """Each of ``series`` at the angle of x, whose whole turn is ``2**period_bits`` units of x, at scale 50."""

    @abstractmethod
    def _powers(self, x: Share, degree: int) -> list[Parts]:
        """``x**2`` to ``x**degree`` in the ring."""
