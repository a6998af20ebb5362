"""The dealer as a party sees it: requests go out as they arise, corrections are read when they are needed."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from tacit.correlations import wire
from tacit.correlations._base import CORRECTED, Delivery, Expanded, Source, correction_bytes, read_correction
from tacit.correlations.requests import Request
from tacit.correlations.seeds import receive_seed
from tacit.correlations.streams import Streams
from tacit.errors import ProtocolAbort
from tacit.party import DEALER, Party
from tacit.profile.meter import Meter
from tacit.ring.device.staging import CPU, host_buffer, to_device
from tacit.transport._base import Transport

REQUEST_TAG = b"tacit request"
CORRECTION_TAG = b"tacit correction"
DONE_TAG = b"tacit done"


class DealerSource(Source):
    """Correlated randomness from a dealer on a link of its own, to which no opened value ever goes."""

    def __init__(
        self, party: Party, transport: Transport, generator: str, meter: Meter, device: torch.device = CPU
    ) -> None:
        super().__init__()
        self._corrected = party.rank == CORRECTED
        self._transport = transport
        self._meter = meter
        self._awaited: deque[_Awaited] = deque()
        self.streams = Streams(receive_seed(transport, DEALER), generator, device)

    def fetch(self, request: Request) -> Delivery:
        """See ``Source``. Only the corrected party talks to the dealer."""
        if not self._corrected:
            return Expanded(self.streams, request)
        self._transport.send(DEALER, REQUEST_TAG, [memoryview(wire.encode(request))])
        delivery = _Awaited(self, request)
        self._awaited.append(delivery)
        return delivery

    def close(self) -> None:
        """See ``Source``."""
        if self._corrected:
            self._transport.send(DEALER, DONE_TAG, [])

    def correction(self, wanted: _Awaited) -> Tensor:
        """The wanted correction: receives, in the order of the requests, up to it."""
        while wanted.data is None:
            delivery = self._awaited.popleft()
            data = host_buffer((correction_bytes(delivery.request),), torch.uint8, self.streams.device)

            def accept(tag: bytes, length: int, data: Tensor = data) -> memoryview:
                if tag != CORRECTION_TAG or length != data.numel():
                    raise ProtocolAbort(f"the dealer sent {length} bytes where {data.numel()} were asked for")
                return memoryview(data.numpy())  # type: ignore[arg-type]

            self._transport.receive(DEALER, accept)
            self._meter.dealer(data.numel())
            delivery.data = to_device(data, self.streams.device)
        return wanted.data


class _Awaited(Delivery):
    def __init__(self, source: DealerSource, request: Request) -> None:
        self._source = source
        self.request = request
        self.data: Tensor | None = None

    def get(self) -> tuple[Tensor, ...]:
        return read_correction(self.request, self._source.correction(self))
