"""The one interface of all sources of correlated randomness, as a party sees them.

Every party expands its shares of masks and outputs from a seed that it has in common with the source. Only the shares
of the *corrected* party (rank 0) are made to fit by what the source sends: the value less everybody else's share.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tacit.correlations.masks import Masks
from tacit.correlations.requests import Request
from tacit.correlations.streams import PLANES, Output, Streams, narrowed, widened

CORRECTED = 0
"""The rank of the party whose output shares are corrected."""


class Delivery(ABC):
    """The outputs of a request, on their way."""

    @abstractmethod
    def get(self) -> tuple[Tensor, ...]:
        """This party's shares of the outputs; waits for them."""


Finish = Callable[[Request, Delivery], Delivery]
"""Makes of a delivery, for the request that it answers, what can be made of it before the request comes."""


class Source(ABC):
    """Where one party gets correlated randomness from. All parties ask for the same things in the same order."""

    streams: Streams

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def new_id(self) -> int:
        """A number that names a mask or a request, never given out before in this session."""
        return next(self._ids)

    @abstractmethod
    def fetch(self, request: Request) -> Delivery:
        """Ask for the outputs of a request. Asks at once, does not wait."""

    def prepare(self, limit: int, finish: Finish) -> None:  # noqa: B027  (most do not know what will be asked)
        """Have what will be asked for next ready in memory, at most ``limit`` bytes of it. Talks to nobody.

        finish: what to keep in place of a delivery, of the same size or less.
        """

    @abstractmethod
    def close(self) -> None:
        """Nothing more will be asked for."""

    def abandon(self) -> None:  # noqa: B027  (most hold nothing)
        """The session failed: let go of what is held here. Tells nobody."""


class Expanded(Delivery):
    """The output shares of a party that is not corrected: expanded from its seed when they are needed."""

    def __init__(self, streams: Streams, request: Request) -> None:
        self._streams, self._request = streams, request

    def get(self) -> tuple[Tensor, ...]:
        return output_shares(self._streams, self._request)


def output_shares(streams: Streams, request: Request) -> tuple[Tensor, ...]:
    """The shares of a request's outputs that a stream gives before any correction."""
    return tuple(streams.output_share(request.id, i, output) for i, output in enumerate(request.outputs()))


def correction_bytes(request: Request) -> int:
    """How many bytes the correction of a request takes."""
    return sum(output.nbytes for output in request.outputs())


def make_correction(request: Request, streams: Sequence[Streams], masks: Masks) -> Tensor:
    """What the corrected party needs: every output less the shares of all others, as flat bytes."""
    parts = correction_parts(request, streams, masks)
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def correction_parts(request: Request, streams: Sequence[Streams], masks: Masks) -> list[Tensor]:
    """The same, an output each, without the room to put them together."""
    parts = []
    for i, (value, output) in enumerate(zip(request.deal(masks), request.outputs(), strict=True)):
        for rank, stream in enumerate(streams):
            if rank != CORRECTED:
                share = stream.output_share(request.id, i, output)
                if output.width == PLANES:
                    value.bitwise_xor_(share)
                else:
                    value.sub_(share)
        parts.append(narrowed(value, output))
    return parts


def read_correction(request: Request, data: Tensor) -> tuple[Tensor, ...]:
    """The corrected party's shares of the outputs, from the bytes of ``make_correction``."""
    shares, start = [], 0
    for output in request.outputs():
        shares.append(widened(_aligned(data, start, output), output))
        start += output.nbytes
    return tuple(shares)


def _aligned(data: Tensor, start: int, output: Output) -> Tensor:
    raw = data[start : start + output.nbytes]
    return raw if start % 8 == 0 else raw.clone()
