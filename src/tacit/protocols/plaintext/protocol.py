"""Every primitive in the clear: the oracle of the tests, and a preview of fixed point's accuracy for users."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from tacit.party import Party
from tacit.protocols import cleartext
from tacit.protocols._base import Protocol
from tacit.protocols.plaintext.ranges import check_comparison, check_product
from tacit.protocols.primitives import Parts
from tacit.protocols.share import Share, Storage, required
from tacit.ring.bilinear import Bilinear
from tacit.ring.elementary import ExpRange, Wave
from tacit.ring.prg import Prg
from tacit.settings import Settings
from tacit.transport.channel import Channel

_log = logging.getLogger(__name__)


class PlaintextProtocol(Protocol):
    """No secrecy at all: every party holds every value. Rounding is drawn from a fixed stream, the same everywhere.

    Raises ``RangeError`` where a value leaves the range of fixed point: what no other protocol can see.
    """

    name = "plaintext"

    def __init__(self, party: Party, settings: Settings, channel: Channel) -> None:
        super().__init__(party, settings, channel)
        _log.warning("protocol='plaintext': nothing is secret in this session, every party sees every value")
        self._rounding = Prg(bytes(16), settings.generator, self.device)
        self._truncations = 0

    def _input(self, value: Tensor | None, owner: int, shape: tuple[int, ...], boolean: bool) -> Parts:
        if owner == self.party.rank:
            for rank in self.party.others():
                self.channel.send(rank, required(value))
            return (required(value).clone(),)
        return (self.channel.receive(owner, shape, torch.bool if boolean else torch.int64).wait(),)

    def _constant(self, value: Tensor) -> Parts:
        return (value.clone(),)

    def _reveal(self, x: Share, to: int | None) -> Tensor | None:
        return x.parts[0].clone() if to is None or to == self.party.rank else None

    def _check_product(self, op: Bilinear, x: Share, y: Share) -> None:
        check_product(op, x.parts[0], y.parts[0])

    def _multiply(self, op: Bilinear, x: Share, y: Share) -> Parts:
        return (op(x.parts[0], y.parts[0]),)

    def _square(self, x: Share) -> Parts:
        return (x.parts[0] * x.parts[0],)

    def _truncate(self, xs: Sequence[Share], shifts: Sequence[int]) -> list[Parts]:
        return [(self._shifted(x.parts[0], shift),) for x, shift in zip(xs, shifts, strict=True)]

    def _compare(self, x: Share, thresholds: Sequence[int]) -> list[Share]:
        check_comparison(x, tuple(thresholds), self.comparison_width(x))
        return [Share((x.parts[0] >= t,), Storage(0, 0, True)) for t in thresholds]

    def _equals_zero(self, x: Share) -> Share:
        return Share((x.parts[0] == 0,), Storage(0, 0, True))

    def _relu(self, x: Share, shift: int) -> tuple[Parts, Share]:
        check_comparison(x, (1,), self.comparison_width(x))
        value = self._shifted(x.parts[0], shift) if shift else x.parts[0]
        bits = x.parts[0] > 0
        return (value * bits,), Share((bits,), Storage(0, 0, True))

    def _select(self, bits: Sequence[Share], xs: Sequence[Share], shifts: Sequence[int]) -> list[Parts]:
        values = [
            self._shifted(x.parts[0], shift) if shift else x.parts[0] for x, shift in zip(xs, shifts, strict=True)
        ]
        return [(value * bit.parts[0],) for bit, value in zip(bits, values, strict=True)]

    def _select_sums(self, bits: Share, xs: Sequence[Share]) -> list[Callable[[Tensor], Parts]]:
        def weighed(value: Tensor | int, weights: Tensor) -> Parts:
            return ((bits.parts[0] * weights.view(-1, *(1,) * (len(bits.shape) - 1)) * value).sum(0),)

        values: list[Tensor | int] = [1, *(x.parts[0].clone() for x in xs)]
        return [partial(weighed, value) for value in values]

    def _both(self, x: Share, y: Share) -> Parts:
        return (torch.logical_and(x.parts[0], y.parts[0]),)

    def _to_number(self, bit: Share) -> Parts:
        return (bit.parts[0].to(torch.int64),)

    def _bits(self, x: Share, width: int) -> Parts:
        return (cleartext.bits(x.parts[0], width),)

    def _exponential(self, x: Share, shifts: Sequence[int], span: ExpRange) -> list[Parts]:
        return [(value,) for value in cleartext.exponential(x.parts[0], x.scale, shifts, span)]

    def _waves(self, x: Share, period_bits: int, series: Sequence[Wave]) -> list[Parts]:
        return [(value,) for value in cleartext.waves(x.parts[0], period_bits, series)]

    def _powers(self, x: Share, degree: int) -> list[Parts]:
        return [(value,) for value in cleartext.powers(x.parts[0], degree)]

    def _shifted(self, value: Tensor, shift: int) -> Tensor:
        if self.settings.truncation == "exact":
            return cleartext.round_shift(value, shift)
        self._truncations += 1
        noise = self._rounding.words(self._truncations, value.numel()).view(value.shape)
        return cleartext.floor_shift(value, shift, noise)
