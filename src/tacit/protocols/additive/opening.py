"""Masked openings: what the parties may see of a secret is ``x - a`` with a uniform mask a that belongs to x alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tacit.correlations.masks import MaskView
from tacit.errors import InternalError
from tacit.protocols.additive.context import Context
from tacit.protocols.share import Share
from tacit.ring.bits import pack_width, unpack_width
from tacit.transport.channel import Exchange, Reception

WHOLE = "whole"
"""The region of an opening that covers a whole storage, in the order of its memory."""


@dataclass(eq=False)
class Mask:
    """A mask of ring integers and the one value that it may ever cover: (storage token, epoch, region)."""

    id: int
    numel: int
    covers: tuple[int, int, Any] | None = None

    def cover(self, x: Share, region: Any) -> None:
        """Bind the mask to a value. Raises ``InternalError`` if it covers another one already."""
        value = (x.storage.token, x.storage.epoch, region)
        if self.covers is None:
            self.covers = value
        elif self.covers != value:
            raise InternalError(f"mask {self.id} covers one value and was about to open another")


class Opening:
    """``x - a`` modulo ``2**width``, open to all or to one party; sent when it is made, waited for when it is used.

    Uniform on its range whatever x is, since a is and covers nothing else. Costs ``width`` bits to
    each receiver for each element of the region and one round.
    """

    def __init__(self, context: Context, x: Share, mask: Mask, region: Any, width: int, to: int | None) -> None:
        mask.cover(x, region)
        self.mask = mask
        self.width = width
        self.to = to
        self._context = context
        self._numel = x.numel
        self._exchange: Exchange | None = None
        self._receptions: list[Reception] = []
        self._value: Tensor | None = None
        own = context.source.streams.ring_mask(mask.id, mask.numel)
        torch.sub(x.parts[0].reshape(-1), own, out=own)  # in the memory of this copy of the mask
        self._own: Tensor | None = own if to in (None, context.party.rank) else None
        if width == 64 and to is None:
            context.note(mask.id, self)
        self._send(pack_width(own, width) if width < 64 else own)

    def _send(self, data: Tensor) -> None:
        channel, rank = self._context.channel, self._context.party.rank
        if self.to is None:
            self._exchange = channel.broadcast(data)
        elif self.to == rank:
            self._receptions = [channel.receive(r, data.shape, data.dtype) for r in self._context.party.others()]
        else:
            channel.send(self.to, data)

    @property
    def public(self) -> Tensor | None:
        """The opened value, flat, if it has been used already."""
        return self._value

    @property
    def value(self) -> Tensor:
        """The opened value, flat, in ``[0, 2**width)``; waits for it the first time."""
        if self._value is None:
            if self._own is None:
                raise InternalError("this opening is for another party")
            theirs = self._exchange.wait() if self._exchange else [r.wait() for r in self._receptions]
            total = self._own  # perhaps still on its way out: nothing may be written there
            for data in theirs:
                total = (data if self.width == 64 else unpack_width(data, self._numel, self.width)).add_(total)
            self._value = total if self.width == 64 else total.bitwise_and_((1 << self.width) - 1)
            self._own, self._exchange, self._receptions = None, None, []
        return self._value


@dataclass(frozen=True)
class Opened:
    """An opening as one view of a secret sees it: the public value and the mask, both in the view's shape."""

    opening: Opening
    view: MaskView

    @property
    def value(self) -> Tensor:
        """The public ``x - a``."""
        return self.view.of(self.opening.value)

    def mask_share(self, context: Context) -> Tensor:
        """This party's share of a."""
        return self.view.of(context.source.streams.ring_mask(self.view.id, self.view.numel))


def opened(context: Context, x: Share, width: int = 64, to: int | None = None) -> Opened:
    """``x`` under its own mask, opened to all or to one party: as it was opened before, or now.

    A view that covers its whole storage, in any order, shares the opening of the storage; so does any view of a
    storage that is open already. Other views get an opening of their own.
    """
    whole = x.numel >= x.storage_numel
    for region in (WHOLE, x.geometry):
        earlier = _earlier(x, region, width, to)
        if earlier is not None:
            return Opened(earlier, _view(x, earlier.mask, region is WHOLE))
    target, region = (x.whole(), WHOLE) if whole else (x, x.geometry)
    openings = x.storage.openings
    if (region, width) not in openings:
        openings[region, width] = Mask(context.new_id(), target.numel)
    mask: Mask = openings[region, width]
    opening = openings[region, width, to] = Opening(context, target, mask, region, width, to)
    return Opened(opening, _view(x, mask, whole))


def _earlier(x: Share, region: Any, width: int, to: int | None) -> Opening | None:
    """An opening of this value that serves: as wide or of the whole ring, to all or to the same party."""
    for key in ((region, width, None), (region, 64, None), (region, width, to), (region, 64, to)):
        if key in x.storage.openings:
            found: Opening = x.storage.openings[key]
            return found
    return None


def _view(x: Share, mask: Mask, whole: bool) -> MaskView:
    if whole:
        return MaskView(mask.id, mask.numel, *x.geometry)
    return MaskView.of_all(mask.id, x.shape)
