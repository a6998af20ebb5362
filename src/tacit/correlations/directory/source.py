"""Correlated randomness that was dealt ahead of time for one run of one plan."""

from __future__ import annotations

from collections import deque
from itertools import islice

import torch
from torch import Tensor

from tacit.correlations._base import Delivery, Expanded, Finish, Source, correction_bytes
from tacit.correlations.directory.sealed import SealedReader
from tacit.correlations.plan import Plan, describe
from tacit.correlations.requests import Request
from tacit.correlations.streams import Streams, widened
from tacit.errors import MisuseError
from tacit.profile.meter import Meter
from tacit.ring.device.staging import host_buffer, to_device


class DirectorySource(Source):
    """Follows the plan, and refuses what differs from it.

    serial: which part of the folder this is. reader: where the corrections come from, at the corrected party.
    """

    def __init__(self, streams: Streams, plan: Plan, serial: int, reader: SealedReader | None, meter: Meter) -> None:
        super().__init__()
        self.streams = streams
        self.serial = serial
        self._requests = plan.requests
        self._reader = reader
        self._meter = meter
        self._asked = 0
        self._ready: deque[Delivery] = deque()
        self._held = 0

    def fetch(self, request: Request) -> Delivery:
        """See ``Source``. Raises MisuseError, naming both, if the plan has another request here or none."""
        number, self._asked = self._asked, self._asked + 1
        planned = self._requests[number] if number < len(self._requests) else None
        if planned != request:
            raise MisuseError(
                f"this run differs from its plan at request {number + 1} of {len(self._requests)}: planned "
                f"{describe(planned) if planned else 'nothing more'}, asked {describe(request)}. Run the program that "
                "was planned, on inputs of the same shapes, or make a new plan and have it dealt."
            )
        if self._reader is not None:
            self._meter.dealer(correction_bytes(request))
        if not self._ready:
            return self._made(request)
        self._held -= self._bytes(request)
        return self._ready.popleft()

    def prepare(self, limit: int, finish: Finish) -> None:
        """See ``Source``: reads and decrypts, or expands, what the next requests of the plan need."""
        for i, request in enumerate(islice(self._requests, self._asked, None)):
            if i < len(self._ready):
                self._ready[i] = finish(request, self._ready[i])  # more may be known now than the last time
                continue
            self._held += self._bytes(request)
            if self._held > limit:
                self._held -= self._bytes(request)
                return
            delivery = self._made(request)
            finished = finish(request, delivery)
            if finished is delivery and self._reader is None:
                finished = _Kept(delivery.get())
            self._ready.append(finished)

    def _made(self, request: Request) -> Delivery:
        if self._reader is None:
            return Expanded(self.streams, request)
        parts = []
        for output in request.outputs():  # each in memory of its own: large blocks come as fresh pages, which are slow
            part = host_buffer((output.nbytes,), torch.uint8, self.streams.device)
            self._reader.read_into(memoryview(part.numpy()))  # type: ignore[arg-type]
            parts.append(to_device(part, self.streams.device))
        return _Read(request, parts)

    def _bytes(self, request: Request) -> int:
        """What a request takes in memory here while it waits."""
        if self._reader is not None:
            return correction_bytes(request)
        return sum(8 * output.numel for output in request.outputs())

    def close(self) -> None:
        """See ``Source``. What the run did not ask for is lost."""
        self.abandon()

    def abandon(self) -> None:
        """See ``Source``."""
        self._ready.clear()
        if self._reader is not None:
            self._reader.close()


class _Read(Delivery):
    def __init__(self, request: Request, parts: list[Tensor]) -> None:
        self._request, self._parts = request, parts

    def get(self) -> tuple[Tensor, ...]:
        return tuple(widened(part, output) for part, output in zip(self._parts, self._request.outputs(), strict=True))


class _Kept(Delivery):
    def __init__(self, shares: tuple[Tensor, ...]) -> None:
        self._shares = shares

    def get(self) -> tuple[Tensor, ...]:
        return self._shares
