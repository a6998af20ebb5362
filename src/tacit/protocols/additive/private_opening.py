"""The opening of a value that its owner knows: ``w - b`` goes from the owner to all others, once for each value."""

from __future__ import annotations

from torch import Tensor

from tacit.correlations.masks import MaskView
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import Mask
from tacit.protocols.share import Share, required
from tacit.transport.channel import Reception

_REGION = "private"


class PrivateOpening:
    """D = w - b of a whole storage, where the owner of w alone knows b too. 64 bits an element to each other party."""

    def __init__(self, context: Context, w: Share, owner: int) -> None:
        whole = w.whole()
        self._mask = Mask(context.new_id(), whole.numel)
        self._mask.cover(whole, _REGION)
        self._value: Tensor | None = None
        self._reception: Reception | None = None
        channel = context.channel
        if context.party.rank == owner:
            delta = required(whole.clear) - context.source.streams.private_mask(self._mask.id, whole.numel)
            for rank in context.party.others():
                channel.send(rank, delta)
        else:
            context.note(self._mask.id, self)
            self._reception = channel.receive(owner, (whole.numel,), whole.parts[0].dtype)

    @classmethod
    def of(cls, context: Context, w: Share, owner: int) -> PrivateOpening:
        """The opening of w's storage as it stands, made now if there is none."""
        openings = w.storage.openings
        if _REGION not in openings:
            openings[_REGION] = cls(context, w, owner)
        found: PrivateOpening = openings[_REGION]
        return found

    @property
    def public(self) -> Tensor | None:
        """D, flat, if it has been used already."""
        return self._value

    def view(self, w: Share) -> MaskView:
        """The mask as the view w of its storage sees it."""
        return MaskView(self._mask.id, self._mask.numel, *w.geometry)

    def delta(self, w: Share) -> Tensor:
        """D as the view w sees it, at a party that is not the owner; waits for it the first time."""
        if self._value is None:
            self._value, self._reception = required(self._reception).wait(), None
        return self._value.as_strided(*w.geometry)
