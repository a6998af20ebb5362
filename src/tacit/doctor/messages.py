"""What two doctors say to each other once they have greeted: eleven kinds of message, each with limits to its size.

A message is one byte of kind, four of length, and the payload. Nothing is taken that is longer than its kind allows, so
a parser never holds more than one FILL.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tacit.errors import FrameError


class Kind(IntEnum):
    """REPORT is what a node says of itself. BEAT says nothing, BYE that it was all.

    TURN asks for a turn to measure; YES or BUSY answers, RESULT ends it. PING is answered by a PONG with the time, ASK
    by that many FILL and a PONG.
    """

    REPORT = 1
    TURN = 2
    YES = 3
    BUSY = 4
    PING = 5
    PONG = 6
    FILL = 7
    ASK = 8
    RESULT = 9
    BEAT = 10
    BYE = 11


FILL_BYTES = 1 << 16
MAX_FILLS = 512
"""How many may be asked for at a time: 32 MB."""

HEADER = struct.Struct("<BI")
_TIME = struct.Struct("<q")
_COUNT = struct.Struct("<H")
_RESULT = struct.Struct("<qqqq")
_SIZES = dict.fromkeys(Kind, (0, 0)) | {
    Kind.REPORT: (2, 1 << 13),
    Kind.PONG: (_TIME.size, _TIME.size),
    Kind.FILL: (FILL_BYTES, FILL_BYTES),
    Kind.ASK: (_COUNT.size, _COUNT.size),
    Kind.RESULT: (_RESULT.size, _RESULT.size),
}
_YEARS = 1 << 62


class Result(NamedTuple):
    """What the caller measured.

    latency: nanoseconds there and back. forth, back: bytes a second to and from the one who is called. clock: by how
    many nanoseconds the clock there is ahead.
    """

    latency: int
    forth: int
    back: int
    clock: int


Short = Annotated[str, Field(max_length=200, pattern=r"^[\x20-\x7e]*$")]


class Report(BaseModel):
    """What a node says of itself. A newer version may say more, which is passed over."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    tacit: Short
    protocol: Annotated[int, Field(ge=0, lt=1 << 31)]
    torch: Short
    certificate_days: Annotated[int, Field(ge=-100_000, le=100_000)] | None
    settings: Annotated[dict[Short, Short], Field(max_length=64)]


class Parser:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._data = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[tuple[Kind, bytes]]:
        """The messages that are complete with ``data``. Raises FrameError, naming the peer, for anything else."""
        self._data += data
        at = 0
        try:
            while len(self._data) - at >= HEADER.size:
                number, size = HEADER.unpack_from(self._data, at)
                kind = self._checked(number, size)
                if len(self._data) - at < HEADER.size + size:
                    break
                begin, at = at + HEADER.size, at + HEADER.size + size
                yield kind, bytes(self._data[begin:at])
        finally:
            del self._data[:at]

    def _checked(self, number: int, size: int) -> Kind:
        if number not in Kind._value2member_map_:
            raise FrameError(f"'{self._peer}' sent a message of unknown kind {number}.", self._peer)
        least, most = _SIZES[Kind(number)]
        if not least <= size <= most:
            raise FrameError(f"'{self._peer}' sent {size} bytes where {least} to {most} are right.", self._peer)
        return Kind(number)


def pack(kind: Kind, payload: bytes = b"") -> bytes:
    """One message."""
    return HEADER.pack(kind, len(payload)) + payload


def pack_pong(now: int) -> bytes:
    """A PONG: nanoseconds since 1970 by the sender's clock."""
    return pack(Kind.PONG, _TIME.pack(now))


def unpack_pong(payload: bytes) -> int:
    """The time in a PONG."""
    return _bounded(_TIME.unpack(payload)[0])


def pack_ask(count: int) -> bytes:
    """An ASK for ``count`` FILL."""
    return pack(Kind.ASK, _COUNT.pack(count))


def unpack_ask(payload: bytes, peer: str) -> int:
    """How many are asked for. Raises FrameError if too many."""
    (count,) = _COUNT.unpack(payload)
    if count > MAX_FILLS:
        raise FrameError(f"'{peer}' asked for {count} times 64 KB; {MAX_FILLS} is the limit.", peer)
    return int(count)


def pack_result(result: Result) -> bytes:
    """A RESULT."""
    return pack(Kind.RESULT, _RESULT.pack(*map(_bounded, result)))


def unpack_result(payload: bytes) -> Result:
    """The same taken apart; numbers that are no measurement become none."""
    latency, forth, back, clock = map(_bounded, _RESULT.unpack(payload))
    return Result(max(latency, 0), max(forth, 0), max(back, 0), clock)


def pack_report(report: Report) -> bytes:
    """A REPORT."""
    return pack(Kind.REPORT, report.model_dump_json().encode())


def unpack_report(payload: bytes, peer: str) -> Report:
    """What ``peer`` says of itself. Raises FrameError."""
    try:
        return Report.model_validate_json(payload)
    except ValidationError:
        raise FrameError(f"'{peer}' sent an unreadable report.", peer) from None


def _bounded(number: int) -> int:
    return max(-_YEARS, min(_YEARS, number))
