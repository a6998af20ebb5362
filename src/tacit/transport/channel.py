"""What a protocol talks through: tensors between parties, with op digests, a round clock and counters.

The channel knows the parties only; the dealer is on none of its links.
"""

from __future__ import annotations

import json
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from tacit.errors import FrameError, MisuseError
from tacit.party import Party
from tacit.profile.meter import Meter
from tacit.ring.device.staging import CPU, host_buffer, to_device
from tacit.transport._base import Transport
from tacit.transport._views import bytes_of, writable_bytes_of
from tacit.transport.failure import PeerFinishedError
from tacit.transport.transcript import Event, Transcript, first_difference

Watcher = Callable[[str, str, str, torch.Tensor], None]
"""Called with "sent" or "received", the peer's name, what the frame is for, and the tensor."""

_TAG = struct.Struct("<cQQ8sQ")
_TENSOR, _OBJECT = b"t", b"o"
_DESCRIPTION_BYTES = 120


class Stamp(NamedTuple):
    """Where in the program a frame belongs; both ends must agree on it."""

    kind: bytes
    op: int
    event: int
    digest: bytes
    text: str


class _Incoming:
    """A frame that is expected from one peer."""

    __slots__ = ("done", "limit", "raw", "stamp", "tensor")

    def __init__(self, stamp: Stamp, tensor: torch.Tensor | None, limit: int) -> None:
        self.stamp = stamp
        self.tensor = tensor  # in the host's memory until it is there
        self.limit = limit
        self.raw = bytearray()
        self.done = False


class Exchange:
    """A broadcast in flight: what this party sent is on its way; ``wait`` returns what the others sent."""

    __slots__ = ("_channel", "_incoming")

    def __init__(self, channel: Channel, incoming: list[tuple[int, _Incoming]]) -> None:
        self._channel = channel
        self._incoming = incoming

    def wait(self) -> list[torch.Tensor]:
        """The others' tensors in ascending order of rank. Waiting again returns the same tensors."""
        return [self._channel._complete(rank, incoming) for rank, incoming in self._incoming]


class Reception:
    """One tensor on its way from one party."""

    __slots__ = ("_channel", "_incoming", "_rank")

    def __init__(self, channel: Channel, rank: int, incoming: _Incoming) -> None:
        self._channel = channel
        self._rank = rank
        self._incoming = incoming

    def wait(self) -> torch.Tensor:
        """The tensor. Waiting again returns the same one."""
        return self._channel._complete(self._rank, self._incoming)


class Channel:
    """The links of ``party`` to all other parties.

    rounds: the longest chain of dependent messages so far (a Lamport clock that every frame carries). watch: callables
    that see every tensor sent and received, for tests and the leak checker. A frame that belongs to another op, or to
    the same op with other shapes or public operands, raises DivergenceError at both ends. device: where this party
    computes: what arrives is moved there.
    """

    def __init__(
        self, party: Party, transport: Transport, transcript: Transcript, meter: Meter, device: torch.device = CPU
    ) -> None:
        self.party = party
        self.device = device
        self.transport = transport
        self.transcript = transcript
        self.meter = meter
        self.watch: list[Watcher] = []
        self.rounds = 0
        self._expected: dict[int, deque[_Incoming]] = {rank: deque() for rank in party.others()}
        transport.witness = _Witness(party, transcript)

    def broadcast(self, tensor: torch.Tensor) -> Exchange:
        """Send ``tensor`` to all others, and expect one of the same shape and type from each."""
        stamp = self._stamp(_TENSOR)
        data = bytes_of(tensor)
        incoming = []
        for rank in self.party.others():
            self._send(rank, stamp, data, tensor)
        for rank in self.party.others():
            incoming.append((rank, self._expect(rank, stamp, tensor.shape, tensor.dtype)))
        return Exchange(self, incoming)

    def send(self, rank: int, tensor: torch.Tensor) -> None:
        """Send ``tensor`` to one party, which calls ``receive`` in the same op."""
        self._check_rank(rank)
        self._send(rank, self._stamp(_TENSOR), bytes_of(tensor), tensor)

    def receive(self, rank: int, shape: tuple[int, ...] | torch.Size, dtype: torch.dtype = torch.int64) -> Reception:
        """Expect a tensor from one party, which calls ``send`` in the same op."""
        self._check_rank(rank)
        return Reception(self, rank, self._expect(rank, self._stamp(_TENSOR), shape, dtype))

    def send_object(self, rank: int, value: Any) -> None:
        """Send a small JSON value to one party, which calls ``receive_object`` in the same op."""
        self._check_rank(rank)
        data = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        self._send(rank, self._stamp(_OBJECT), memoryview(data), None)

    def receive_object(self, rank: int, limit: int = 1 << 20) -> Any:
        """Wait for a JSON value of at most ``limit`` bytes. Raises FrameError when it is longer or not JSON."""
        self._check_rank(rank)
        incoming = _Incoming(self._stamp(_OBJECT), None, limit)
        self._expected[rank].append(incoming)
        self._complete(rank, incoming)
        try:
            return json.loads(incoming.raw)
        except ValueError:
            peer = self.party.names[rank]
            raise FrameError(f"'{peer}' sent something that is not JSON in {incoming.stamp.text}.", peer) from None

    def _check_rank(self, rank: int) -> None:
        if rank not in self._expected:
            others = ", ".join(map(str, self._expected))
            raise MisuseError(f"rank {rank} is no other party of '{self.party.name}'; the others are {others}.")

    def _stamp(self, kind: bytes) -> Stamp:
        transcript = self.transcript
        return Stamp(kind, transcript.op, transcript.events, transcript.digest, transcript.text)

    def _send(self, rank: int, stamp: Stamp, data: memoryview, tensor: torch.Tensor | None) -> None:
        peer = self.party.names[rank]
        tag = _TAG.pack(stamp.kind, stamp.op, stamp.event, stamp.digest, self.rounds)
        self.transport.send(peer, tag + stamp.text.encode()[:_DESCRIPTION_BYTES], (data,))
        self.meter.sent(data.nbytes)
        if tensor is not None:
            for watcher in self.watch:
                watcher("sent", peer, stamp.text, tensor)

    def _expect(self, rank: int, stamp: Stamp, shape: tuple[int, ...] | torch.Size, dtype: torch.dtype) -> _Incoming:
        incoming = _Incoming(stamp, host_buffer(tuple(shape), dtype, self.device), 0)
        self._expected[rank].append(incoming)
        return incoming

    def _complete(self, rank: int, wanted: _Incoming) -> torch.Tensor:
        """Receive from ``rank``, in the order of expectation, until ``wanted`` is there."""
        queue = self._expected[rank]
        while not wanted.done:
            self._receive_next(rank, queue[0])
            queue.popleft().done = True
        return wanted.tensor if wanted.tensor is not None else _EMPTY

    def _receive_next(self, rank: int, incoming: _Incoming) -> None:
        peer = self.party.names[rank]
        clock = 0

        def accept(tag: bytes, length: int) -> memoryview:
            nonlocal clock
            clock = self._check_tag(peer, incoming.stamp, tag)
            return _buffer(incoming, peer, length)

        out_of_step = False
        try:
            self.transport.receive(peer, accept)
        except _OutOfStep:
            out_of_step = True
        except PeerFinishedError as error:
            where = f"{error} It waits in op {incoming.stamp.op}, {incoming.stamp.text}."
            raise PeerFinishedError(where, peer) from None
        if out_of_step:
            self.transport.report_divergence(peer)
        if clock + 1 > self.rounds:
            self.meter.round(clock + 1 - self.rounds)
            self.rounds = clock + 1
        if incoming.tensor is None:
            self.meter.received(len(incoming.raw))
            return
        self.meter.received(incoming.tensor.nbytes)
        for watcher in self.watch:
            watcher("received", peer, incoming.stamp.text, incoming.tensor)
        incoming.tensor = to_device(incoming.tensor, self.device)

    def _check_tag(self, peer: str, stamp: Stamp, tag: bytes) -> int:
        if len(tag) < _TAG.size:
            raise FrameError(f"'{peer}' sent a frame without an op digest.", peer)
        kind, _, event, digest, clock = _TAG.unpack_from(tag)
        if kind != stamp.kind or event != stamp.event or digest != stamp.digest:
            raise _OutOfStep
        if clock > self.rounds + (1 << 32):
            raise FrameError(f"'{peer}' sent a frame with an impossible round clock.", peer)
        return int(clock)


class _OutOfStep(Exception):
    """A frame belongs to another op than the one that waits for it."""


_EMPTY = torch.empty(0)


def _buffer(incoming: _Incoming, peer: str, length: int) -> memoryview:
    op = incoming.stamp.text
    if incoming.tensor is not None:
        if length != incoming.tensor.nbytes:
            expected = incoming.tensor.nbytes
            raise FrameError(f"'{peer}' sent {length} bytes where {expected} were expected, in {op}.", peer)
        return writable_bytes_of(incoming.tensor)
    if length > incoming.limit:
        raise FrameError(f"'{peer}' sent a message of {length} bytes; {incoming.limit} is the limit, in {op}.", peer)
    incoming.raw = bytearray(length)
    return memoryview(incoming.raw)


class _Witness:
    """The transcript with names to it: says how two parties differ in words."""

    def __init__(self, party: Party, transcript: Transcript) -> None:
        self._party = party
        self._transcript = transcript
        self.peers = frozenset(party.names) - {party.name}
        self.position = transcript.position
        self.differs = transcript.differs
        self.history = transcript.history

    def explain(self, peer: str, history: bytes) -> str:
        """One sentence that names the first difference, the same at both parties."""
        me = self._party.name
        try:
            difference = first_difference(self._transcript.history(), history)
        except (ValueError, TypeError):
            return f"'{me}' and '{peer}' are out of step, and '{peer}' sent no readable history"
        names = [name for name in self._party.names if name in (me, peer)]
        if difference is None:
            return (
                f"{' and '.join(names)} are out of step: at op {self._transcript.op}, {self._transcript.text}, they "
                "ran the same ops but did not exchange the same messages"
            )
        events = dict(zip((me, peer), difference, strict=True))
        pair = [(name, events[name]) for name in names]
        return _describe(pair)


def _describe(pair: list[tuple[str, Event | None]]) -> str:
    (first, a), (second, b) = pair
    if a is not None and b is not None and a.public and a.public == b.public and a.text == b.text:
        line = a.position[0]
        if b.position[0] != line:
            line = f"{line} ({first}) and {b.position[0]} ({second})"
        return (
            f"diverged at op {a.op}: in {a.text}, the public {a.public} at {line} differs between {first} and "
            f"{second}; seed it, or make it secret"
        )
    op = min(event.op for event in (a, b) if event is not None)
    return f"diverged at op {op}: {first} ran {_ran(a)}, {second} ran {_ran(b)}"


def _ran(event: Event | None) -> str:
    if event is None:
        return "nothing more"
    public = f" with the public {event.public}" if event.public else ""
    return f"{event.text}{public} at {event.position[0]}"
