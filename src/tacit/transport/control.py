"""The control connection between two nodes: heartbeats, aborts, goodbyes and histories, as small whole frames."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator
from typing import Any

from tacit.errors import FrameError
from tacit.transport.failure import Category, Failure, category_of, checked_refusal
from tacit.transport.framing import HEADER_BYTES, MAX_CONTROL_BYTES, Header, Kind, pack_header, unpack_header
from tacit.transport.lane import Kept, Lane
from tacit.transport.sockets import PeerGone, wait_writable
from tacit.transport.wire import ForgedError, Wire

_READ_BYTES = 1 << 16


class ControlLink(Lane):
    """One end. ``post`` may be called from any thread and never waits; ``frames`` only from one at a time.

    lasting: another connection may take the place of one that broke, so what is sent is kept until it is acknowledged.
    """

    def __init__(self, wire: Wire, peer: str, lasting: bool = False) -> None:
        super().__init__(wire)
        self.peer = peer
        self._lasting = lasting
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._kept = Kept()
        self._out = bytearray()
        self._in = bytearray()
        self._posted = 0
        self._taken = 0
        self._scratch = memoryview(bytearray(_READ_BYTES))

    @property
    def sent(self) -> int:
        """The position up to which the stream was sent."""
        return self._kept.end

    @property
    def posted(self) -> int:
        """The position after the last frame posted."""
        return self._kept.end + len(self._out)

    @property
    def delivered(self) -> int:
        """The position up to which the peer acknowledged what was sent."""
        return self._kept.begin

    def post(self, kind: Kind, payload: bytes = b"") -> None:
        """Send a frame, or keep it until ``flush`` when the kernel takes no more. Who reads notices a broken link."""
        with self._lock:
            self._out += pack_header(kind, 0, len(payload), self._posted) + payload
            self._posted += 1
            self._write()

    def flush(self, seconds: float = 0.0) -> None:
        """Send what was kept; waits for that at most ``seconds``."""
        with self._lock:
            self._write()
            if self._out and seconds and self._wire is not None:
                wait_writable(self._wire, seconds)
                self._write()

    def acknowledged(self, position: int) -> None:
        """The peer has everything before ``position``."""
        with self._lock:
            self._kept.release(position)

    def frames(self) -> Iterator[tuple[Kind, bytes]]:
        """All whole frames that have arrived. Raises PeerGone at the end, FrameError for anything else than frames."""
        gone: PeerGone | ForgedError | None = None
        try:
            self._read()
        except (PeerGone, ForgedError) as error:
            gone = error
        while (header := self._header()) is not None and len(self._in) >= HEADER_BYTES + header.payload_bytes:
            payload = bytes(self._in[HEADER_BYTES : HEADER_BYTES + header.payload_bytes])
            del self._in[: HEADER_BYTES + header.payload_bytes]
            self._taken += 1
            yield header.kind, payload
        if gone is not None:
            raise gone

    def attach(self, wire: Wire, delivered: int) -> None:
        with self._lock:
            again = self._kept.rewind(delivered, self.peer)
            self._out[:0] = b"".join(again)
            with self._reading:
                self._wire = wire
            self._write()

    def close(self) -> None:
        """Close the connection."""
        with self._lock, self._reading:
            if self._wire is not None:
                self._wire.close()

    def _read(self) -> None:
        wire: Wire | None = None
        try:
            with self._reading:
                wire = self._wire
                while wire is not None and (count := wire.read_some(self._scratch)):
                    self._in += self._scratch[:count]
                    self.received += count
        except (PeerGone, ForgedError):
            if self._lasting:
                self._drop(wire)
            raise

    def _drop(self, wire: Wire | None) -> None:
        with self._lock, self._reading:
            if wire is not None and wire is self._wire:
                self._wire = None
                wire.close()

    def _header(self) -> Header | None:
        if len(self._in) < HEADER_BYTES:
            return None
        header = unpack_header(self._in[:HEADER_BYTES], self.peer, MAX_CONTROL_BYTES)
        if header.kind is Kind.DATA or header.tag_bytes or header.sequence != self._taken:
            raise FrameError(f"'{self.peer}' sent a {header.kind.name} frame out of order.", self.peer)
        return header

    def _write(self) -> None:
        while self._out and self._wire is not None:
            part = memoryview(bytes(self._out))
            try:
                count = self._wire.write_some([part])
            except PeerGone:
                if not self._lasting:
                    self._out.clear()
                return
            if count == 0:
                return
            if self._lasting:
                self._kept.add([part], count)
            del self._out[:count]


def pack_message(**fields: Any) -> bytes:
    """The payload of a GOODBYE frame."""
    return json.dumps(fields).encode()


def unpack_message(payload: bytes, peer: str) -> dict[str, Any]:
    """The fields of such a payload. Raises FrameError, naming ``peer``."""
    try:
        message = json.loads(payload)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise FrameError(f"'{peer}' sent an unreadable control message.", peer)
    return message


def pack_failure(failure: Failure) -> bytes:
    """The payload of an ABORT frame. What this node saw in detail stays here."""
    message = {"culprit": failure.culprit, "reason": str(failure.category), "reporter": failure.reporter}
    return pack_message(**message, **({"refusal": failure.refusal} if failure.refusal else {}))


def unpack_failure(payload: bytes, peer: str, names: Collection[str]) -> Failure:
    """The failure that ``peer`` tells of. Culprits that are none of ``names`` count as ``peer`` itself."""
    message = unpack_message(payload, peer)
    culprit, reporter = (str(message.get(key)) for key in ("culprit", "reporter"))
    known = culprit if culprit in names else peer
    category = category_of(str(message.get("reason")))
    refusal = checked_refusal(message.get("refusal")) if category is Category.POLICY else None
    return Failure(known, category, reporter if reporter in names else peer, refusal=refusal)
