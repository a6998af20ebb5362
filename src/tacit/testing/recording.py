"""What a party sees while it runs a program again and again: what it received, what was opened, what it drew.

Nothing in the protocol is changed for this: the recorder watches the channel, stands between a party and its source of
randomness, and listens to the generator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import reduce
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from tacit.correlations._base import CORRECTED, Delivery
from tacit.correlations.requests import Request
from tacit.correlations.streams import PLANES
from tacit.party import DEALER
from tacit.protocols.share import Share
from tacit.ring.bits import pack_bits, unpack_width
from tacit.ring.prg import Prg
from tacit.runtime.session import Session
from tacit.testing.statistics import ELEMENTS

BITS = 0
"""The width of a piece that consists of planes of bits, a word for 64 elements."""

_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@dataclass
class Piece:
    """One tensor that a party saw. width: bits of a ring element that count, or ``BITS``. data: flat int64."""

    role: str
    sender: str
    stage: str
    width: int
    data: Tensor = field(repr=False)

    @property
    def form(self) -> tuple[str, str, str, int, int]:
        """What must be the same in every repetition: all but the numbers."""
        return self.role, self.sender, self.stage, self.width, self.data.shape[-1]

    @property
    def name(self) -> str:
        """The piece in words, without its numbers."""
        what = f"{self.width} bits" if self.width else "planes"
        return f"{self.role} {what} x {self.data.shape[-1]} ({self.sender or 'own'}, {self.stage})"


def piece_of(role: str, sender: str, stage: str, tensor: Tensor) -> Piece:
    """A message as it stands on the wire: 64-bit words for each element, fewer bits packed, or planes of bits.

    A number of words that is a multiple of 64 is read as ring elements, any other as planes of bits.
    """
    flat = tensor.reshape(-1)
    if flat.dtype == torch.bool:
        return Piece(role, sender, stage, BITS, pack_bits(flat))
    if flat.dtype == torch.uint8:
        width = flat.numel() * 8 // ELEMENTS
        if not 0 < width < 64:
            return Piece(role, sender, stage, BITS, flat.view(torch.int64))
        return Piece(role, sender, stage, width, unpack_width(flat, ELEMENTS, width))
    return Piece(role, sender, stage, BITS if flat.numel() % ELEMENTS else 64, flat.clone())


class Recorder:
    """Records one party's session, repetition by repetition."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.repetitions: list[list[Piece]] = []
        self._seen: list[Piece] = []
        self._exchanges: list[tuple[str, Tensor, _Exchanged]] = []
        self._drawn: dict[tuple[int, int], Tensor] = {}
        self._generators: dict[int, Prg] = {}

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Record while in this context, on this thread."""
        session = self.session
        token = _recorder.set(self)
        session.channel.watch.append(self._watch)
        with ExitStack() as stack:
            broadcast = session.channel.broadcast
            stack.enter_context(patch.object(session.channel, "broadcast", lambda x: self._broadcast(broadcast, x)))
            if session.source is not None and session.party.rank == CORRECTED:
                fetch = session.source.fetch
                stack.enter_context(patch.object(session.source, "fetch", lambda r: _Opened(self, fetch(r), r)))
            yield
        session.channel.watch.remove(self._watch)
        _recorder.reset(token)

    def end(self, kept: Sequence[Share]) -> None:
        """A repetition ends; ``kept`` are the shares that are its results."""
        for stage, own, exchange in self._exchanges:
            pieces = [piece_of("opened", "", stage, x) for x in (own, *exchange.received())]
            combine = torch.add if pieces[0].width else torch.bitwise_xor
            total = reduce(combine, (piece.data for piece in pieces))
            width = pieces[0].width
            if 0 < width < 64:
                total = total & ((1 << width) - 1)
            self._seen.append(Piece("opened", "", stage, width, total))
        for data in self._drawn.values():
            self._seen.append(
                piece_of("drawn", "", "", data[: data.numel() // 8 * 8] if data.dtype == torch.uint8 else data)
            )
        for share in kept:
            self._seen.extend(piece_of("kept", "", "", part) for part in share.parts)
        self.repetitions.append(self._seen)
        self._seen, self._exchanges, self._drawn = [], [], {}

    def drawn(self, generator: Prg, stream: int, data: Tensor) -> None:
        """The party drew from a stream; of a stream drawn several times the longest draw counts, once."""
        key = (id(generator), stream)
        self._generators[id(generator)] = generator  # kept, so that no other one gets its id
        earlier = self._drawn.get(key)
        if earlier is None or earlier.nbytes < data.nbytes:
            self._drawn[key] = data.clone()

    def dealt(self, request: Request, outputs: Sequence[Tensor]) -> None:
        """The corrected party received its shares of a request's outputs from the source."""
        stage = f"{request.kind}, {self._stage}"
        for output, value in zip(request.outputs(), outputs, strict=True):
            width = BITS if output.width == PLANES else output.width
            data = value.reshape(-1).clone()
            if 0 < width < 64:
                data = data & ((1 << width) - 1)
            self._seen.append(Piece("received", DEALER, stage, width, data))

    @property
    def _stage(self) -> str:
        return self.session.channel.transcript.text

    def _watch(self, direction: str, peer: str, stage: str, tensor: Tensor) -> None:
        if direction == "received":
            self._seen.append(piece_of("received", peer, stage, tensor))

    def _broadcast(self, broadcast: Any, tensor: Tensor) -> _Exchanged:
        exchange = _Exchanged(broadcast(tensor))
        self._exchanges.append((self._stage, tensor.clone(), exchange))
        return exchange


class _Exchanged:
    """An exchange whose tensors are kept as they arrived: the protocol may compute in their memory."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._received: list[Tensor] | None = None

    def wait(self) -> list[Tensor]:
        theirs: list[Tensor] = self._exchange.wait()
        if self._received is None:
            self._received = [tensor.clone() for tensor in theirs]
        return theirs

    def received(self) -> list[Tensor]:
        if self._received is None:
            self.wait()
        return self._received or []


class _Opened(Delivery):
    """A delivery whose contents are recorded when the party reads them."""

    def __init__(self, recorder: Recorder, delivery: Delivery, request: Request) -> None:
        self._recorder, self._delivery, self._request = recorder, delivery, request
        self._outputs: tuple[Tensor, ...] | None = None

    def get(self) -> tuple[Tensor, ...]:
        if self._outputs is None:
            self._outputs = self._delivery.get()
            self._recorder.dealt(self._request, self._outputs)
        return self._outputs


@contextmanager
def listening() -> Iterator[None]:
    """While in this context, every draw from a generator goes to the recorder of the thread that draws, if any."""
    words, raw = Prg.words, Prg.raw

    def heard_words(self: Prg, stream: int, count: int) -> Tensor:
        return _heard(self, stream, words(self, stream, count))

    def heard_raw(self: Prg, stream: int, nbytes: int) -> Tensor:
        return _heard(self, stream, raw(self, stream, nbytes))

    with patch.object(Prg, "words", heard_words), patch.object(Prg, "raw", heard_raw):
        yield


def _heard(generator: Prg, stream: int, data: Tensor) -> Tensor:
    recorder = _recorder.get()
    if recorder is not None:
        recorder.drawn(generator, stream, data)
    return data
