"""The additive protocol: every primitive of ``Protocol``, each in the file that bears its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from tacit.correlations._base import Source
from tacit.party import Party
from tacit.protocols._base import Protocol
from tacit.protocols.additive import choice, comparison, decomposition, elementary, products, sharing, sums, truncation
from tacit.protocols.additive.blocks import in_blocks
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import opened
from tacit.protocols.additive.precompute import precomputed
from tacit.protocols.additive.tree import MaskedAnds, open_together
from tacit.protocols.primitives import Parts
from tacit.protocols.share import Share, Storage
from tacit.ring.bilinear import Bilinear
from tacit.ring.bits import unpack_bits
from tacit.ring.elementary import ExpRange, Wave
from tacit.settings import Settings
from tacit.transport.channel import Channel


class AdditiveProtocol(Protocol):
    """x is the sum of one share a party, modulo 2**64; secure against any n - 1 curious parties, given the source."""

    name = "additive"

    def __init__(
        self, party: Party, settings: Settings, channel: Channel, source: Source, pair_seeds: Mapping[int, bytes]
    ) -> None:
        super().__init__(party, settings, channel)
        self._context = Context(party, settings, channel, source)
        self._pairs = sharing.PairStreams(pair_seeds, settings.generator, self.device)

    def prepare(self, limit: int) -> None:
        self._context.source.prepare(limit, partial(precomputed, self._context))

    def _input(self, value: Tensor | None, owner: int, shape: tuple[int, ...], boolean: bool) -> Parts:
        return (sharing.share_input(self._context, self._pairs, value, owner, shape, boolean),)

    def _constant(self, value: Tensor) -> Parts:
        return (value.clone() if self._context.first else torch.zeros_like(value),)

    def _reveal(self, x: Share, to: int | None) -> Tensor | None:
        return sharing.reveal(self._context, self._pairs, x, to)

    def _multiply(self, op: Bilinear, x: Share, y: Share) -> Parts:
        return (products.multiply(self._context, op, x, y),)

    def _square(self, x: Share) -> Parts:
        return (products.square(self._context, x),)

    def _truncate(self, xs: Sequence[Share], shifts: Sequence[int]) -> list[Parts]:
        exact = self.settings.truncation == "exact"
        truncate = truncation.truncate_exact if exact else truncation.truncate_pr
        return [(part,) for part in truncate(self._context, xs, shifts)]

    def _compare(self, x: Share, thresholds: Sequence[int]) -> list[Share]:
        width = self.comparison_width(x)

        def compare(x: Share) -> list[Tensor]:
            planes = comparison.at_least(self._context, opened(self._context, x, width), width, thresholds)
            return [unpack_bits(plane, x.numel) for plane in planes]

        found = in_blocks(self._context, x, width, 30 + 12 * len(thresholds), compare)
        return [Share((part,), Storage(0, 0, boolean=True)) for part in found]

    def _equals_zero(self, x: Share) -> Share:
        return _bits(comparison.equals_zero(self._context, x, self.comparison_width(x)), x)

    def _relu(self, x: Share, shift: int) -> tuple[Parts, Share]:
        width = self.comparison_width(x)

        def relu(x: Share) -> tuple[Tensor, Tensor]:
            o = opened(self._context, x, width)
            (plane,) = comparison.at_least(self._context, o, width, [1])
            if shift or o.opening.width < 64:
                out = choice.ChoosingTruncated(self._context, plane, o, width, shift).get()
            else:
                (out,) = choice.Choosing(self._context, plane, [o], x.numel).get()[1]
            return out, unpack_bits(plane, x.numel)

        out, bits = in_blocks(self._context, x, width, 72, relu)
        return (out,), Share((bits,), Storage(0, 0, boolean=True))

    def _select(self, bits: Sequence[Share], xs: Sequence[Share], shifts: Sequence[int]) -> list[Parts]:
        return [(part,) for part in choice.select(self._context, bits, xs, shifts)]

    def _select_sums(self, bits: Share, xs: Sequence[Share]) -> list[Callable[[Tensor], Parts]]:
        return [lambda weights, f=f: (f(weights),) for f in sums.select_sums(self._context, bits, xs)]  # type: ignore[misc]

    def _both(self, x: Share, y: Share) -> Parts:
        inputs = torch.stack([choice.plane_of(x), choice.plane_of(y)]).unsqueeze(1)
        ((plane,),) = open_together(self._context, [MaskedAnds(self._context, inputs, ((0, 1),))])
        return (unpack_bits(plane.reshape(-1), x.numel).view(x.shape),)

    def _to_number(self, bit: Share) -> Parts:
        return (choice.Choosing(self._context, choice.plane_of(bit), [], bit.numel).get()[0].view(bit.shape),)

    def _bits(self, x: Share, width: int) -> Parts:
        planes = decomposition.bits(self._context, x, width)
        return (torch.stack([unpack_bits(plane, x.numel) for plane in planes]).view(width, *x.shape),)

    def _exponential(self, x: Share, shifts: Sequence[int], span: ExpRange) -> list[Parts]:
        found = in_blocks(
            self._context, x, 64, 8 * span.entries, lambda x: elementary.exponential(self._context, x, shifts, span)
        )
        return [(part,) for part in found]

    def _waves(self, x: Share, period_bits: int, series: Sequence[Wave]) -> list[Parts]:
        terms = max(wave.terms for wave in series)
        found = in_blocks(
            self._context, x, 64, 16 * terms, lambda x: elementary.waves(self._context, x, period_bits, series)
        )
        return [(part,) for part in found]

    def _powers(self, x: Share, degree: int) -> list[Parts]:
        return [(part,) for part in elementary.powers(self._context, x, degree)]


def _bits(plane: Tensor, like: Share) -> Share:
    return Share((unpack_bits(plane, like.numel).view(like.shape),), Storage(0, 0, boolean=True))
