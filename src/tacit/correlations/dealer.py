"""The dealer: a process that supplies correlated randomness, sees no data and receives no opened value."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

from tacit.correlations import wire
from tacit.correlations._base import CORRECTED, correction_bytes, make_correction
from tacit.correlations.dealer_source import CORRECTION_TAG, DONE_TAG, REQUEST_TAG
from tacit.correlations.forecast import Forecast
from tacit.correlations.masks import Masks
from tacit.correlations.requests import Request
from tacit.correlations.seeds import send_seed
from tacit.correlations.streams import Streams
from tacit.errors import ProtocolAbort
from tacit.ring.device.staging import CPU, to_host
from tacit.ring.prg import fresh_seed
from tacit.settings import Settings
from tacit.transport._base import Transport

STOCK_BYTES = 128 << 20
"""Corrections kept ahead of their requests at most; with the masks that are kept this stays under 256 MB.

What a link keeps to send it again comes on top (``tacit.transport.outbox``)."""

BACKLOG_BYTES = 32 << 20
"""Corrections that wait to be sent at most."""

AHEAD = 256
"""How many requests the dealer looks ahead."""


def serve(
    transport: Transport,
    settings: Settings,
    parties: tuple[str, ...],
    device: torch.device = CPU,
    begun: Callable[[Dealer], None] | None = None,
) -> None:
    """Deal until the parties are done, computing on ``device``. Raises what the transport raises.

    begun: is given the dealer before the first request, to read its numbers.
    """
    seeds = [fresh_seed() for _ in parties]
    for name, seed in zip(parties, seeds, strict=True):
        send_seed(transport, name, seed)
    dealer = Dealer([Streams(seed, settings.generator, device) for seed in seeds])
    requests = _Requests(transport, parties[CORRECTED])
    if begun is not None:
        begun(dealer)
    while True:
        request = requests.next(wait=not dealer.work_ahead())
        if isinstance(request, Done):
            return
        if request is not None:
            correction = memoryview(to_host(dealer.answer(request)).numpy())  # type: ignore[arg-type]
            transport.backlog(parties[CORRECTED], BACKLOG_BYTES)
            transport.send(parties[CORRECTED], CORRECTION_TAG, [correction])


class Dealer:
    """Makes corrections, those that were asked for and, in the time between, those that will be."""

    def __init__(self, streams: list[Streams]) -> None:
        self._streams = streams
        self._masks = Masks(streams)
        self._forecast = Forecast()
        self._expected: deque[Request] = deque()
        self._stock: dict[Request, Tensor] = {}
        self.stock_bytes = 0
        self._last_id = 0
        self.answered = 0
        self.predicted = 0

    @property
    def stock(self) -> int:
        """How many corrections are ready that were not asked for yet."""
        return len(self._stock)

    def answer(self, request: Request) -> Tensor:
        """The correction for a request. Raises ``ProtocolAbort`` if its id is not new: a stream is used once."""
        if request.id <= self._last_id:
            raise ProtocolAbort(f"request {request.id} came after request {self._last_id}: ids never go back")
        if getattr(request, "owner", 0) >= len(self._streams):
            raise ProtocolAbort(f"request {request.id} is about a party that is not there")
        self._last_id = request.id
        self.answered += 1
        self._forecast.observe(request)
        if not self._expected or self._expected.popleft() != request:
            self._expected.clear()
            self._stock.clear()
            self.stock_bytes = 0
        ready = self._stock.pop(request, None)
        if ready is not None:
            self.stock_bytes -= ready.nbytes
            self.predicted += 1
            return ready
        return make_correction(request, self._streams, self._masks)

    def work_ahead(self) -> bool:
        """Make one correction that was not asked for yet; False if there is none to make or no room for it."""
        if len(self._expected) == len(self._stock):
            self._expected = deque(self._forecast.next(AHEAD))
        if len(self._expected) <= len(self._stock):  # less: what was predicted is predicted no more
            return False
        request = self._expected[len(self._stock)]
        if self.stock_bytes + correction_bytes(request) > STOCK_BYTES:
            return False
        made = make_correction(request, self._streams, self._masks)
        self._stock[request] = made
        self.stock_bytes += made.nbytes
        return True


class Done:
    """The parties need nothing more."""


class _Requests:
    """Requests as they arrive, read by a thread of their own so that the dealer can work ahead meanwhile."""

    def __init__(self, transport: Transport, party: str) -> None:
        self._queue: queue.Queue[Request | Done | BaseException] = queue.Queue()
        threading.Thread(target=self._read, args=(transport, party), name="tacit-requests", daemon=True).start()

    def next(self, wait: bool) -> Request | Done | None:
        """The next request, ``Done`` after the last one, or None if there is none and ``wait`` is False."""
        try:
            item = self._queue.get(block=wait)
        except queue.Empty:
            return None
        if isinstance(item, BaseException):
            raise item
        return item

    def _read(self, transport: Transport, party: str) -> None:
        try:
            while True:
                tag, data = _receive(transport, party)
                self._queue.put(Done() if tag == DONE_TAG else wire.decode(data))
                if tag == DONE_TAG:
                    return
        except BaseException as error:  # handed to the thread that serves
            self._queue.put(error)


def _receive(transport: Transport, party: str) -> tuple[bytes, bytes]:
    found: list[bytes] = []
    data = bytearray()

    def accept(tag: bytes, length: int) -> memoryview:
        nonlocal data
        if tag not in (REQUEST_TAG, DONE_TAG) or length > wire.MAX_REQUEST_BYTES:
            raise ProtocolAbort(f"{party!r} sent the dealer something that is not a request")
        found.append(tag)
        data = bytearray(length)
        return memoryview(data)

    transport.receive(party, accept)
    return found[0], bytes(data)
