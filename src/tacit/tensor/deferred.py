"""ReLU put off until its result is used: max-pooling, which commutes with it, then comes first."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tacit.profile.meter import Place
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share


@dataclass(frozen=True, eq=False)
class DeferredRelu:
    """The ReLU of ``argument``, not done yet. argument: a copy that nobody else has, so that no write can reach it.

    place: where its cost counts. Each party does it when its program uses the result, and so at the same step.
    """

    argument: Share
    place: Place

    def done(self, protocol: Protocol) -> Share:
        """Do it: 98 bits, four rounds, with the truncation of a pending argument."""
        with protocol.channel.meter.at(self.place):
            return protocol.relu(self.argument)

    def of(self, argument: Share) -> DeferredRelu:
        """The same of another argument: of what a function gave that commutes with ReLU."""
        return DeferredRelu(argument, self.place)


def may_be_deferred(protocol: Protocol, x: Share) -> bool:
    """Whether a ReLU of x is put off: where no gradient will ask for its signs, and it costs anything.

    Pooling x in place of its ReLU compares differences of up to twice the size: only at the full width is there room.
    """
    costs = x.storage.known_by is None and not x.storage.boolean
    return costs and not torch.is_grad_enabled() and protocol.settings.compare_bits == 64


def defer(protocol: Protocol, x: Share) -> DeferredRelu:
    """The ReLU of x as it is now."""
    return DeferredRelu(protocol.apart(x), protocol.channel.meter.place)
