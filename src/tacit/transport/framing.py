"""The bytes of a frame on a wire: a fixed header, a tag, a payload; everything is checked before memory is taken."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from tacit.errors import FrameError, InternalError

MAGIC = b"TACT"
FRAME_VERSION = 1
MAX_TAG_BYTES = 1 << 10
MAX_PAYLOAD_BYTES = 1 << 36
MAX_CONTROL_BYTES = 1 << 20

_HEADER = struct.Struct("<4sBBHQQ")
HEADER_BYTES = _HEADER.size


class Kind(IntEnum):
    """What a frame is for. Only DATA frames run on data connections, all others on control connections."""

    DATA = 1
    HELLO = 2
    WELCOME = 3
    HEARTBEAT = 4
    ABORT = 5
    GOODBYE = 6
    DIVERGENCE = 7
    RECEIVED = 8
    BROKEN = 9


class Header(NamedTuple):
    """What precedes every frame."""

    kind: Kind
    tag_bytes: int
    payload_bytes: int
    sequence: int


def pack_header(kind: Kind, tag_bytes: int, payload_bytes: int, sequence: int) -> bytes:
    """The 24 bytes of a header: magic, version, kind, lengths of tag and payload, sequence number."""
    return _HEADER.pack(MAGIC, FRAME_VERSION, kind, tag_bytes, payload_bytes, sequence)


def unpack_header(data: bytes | bytearray | memoryview, peer: str, max_payload: int = MAX_PAYLOAD_BYTES) -> Header:
    """Check and take apart the header of a frame from ``peer``.

    Raises FrameError, naming ``peer``, for anything that is not a header, and for lengths beyond the limits.
    """
    magic, version, kind, tag_bytes, payload_bytes, sequence = _HEADER.unpack(data)
    if magic != MAGIC:
        raise FrameError(f"'{peer}' sent bytes that are not a frame (they begin with {magic.hex()}).", peer)
    if version != FRAME_VERSION:
        raise FrameError(f"'{peer}' speaks frame version {version}, this party {FRAME_VERSION}: update one.", peer)
    if kind not in Kind._value2member_map_:
        raise FrameError(f"'{peer}' sent a frame of unknown kind {kind}.", peer)
    if tag_bytes > MAX_TAG_BYTES:
        raise FrameError(f"'{peer}' sent a frame with a tag of {tag_bytes} bytes; {MAX_TAG_BYTES} is the limit.", peer)
    if payload_bytes > max_payload:
        raise FrameError(f"'{peer}' sent a frame that claims {payload_bytes} bytes; {max_payload} is the limit.", peer)
    return Header(Kind(kind), tag_bytes, payload_bytes, sequence)


def check_tag(tag: bytes) -> None:
    """Raise InternalError for a tag that no receiver would take."""
    if len(tag) > MAX_TAG_BYTES:
        raise InternalError(f"a tag of {len(tag)} bytes; {MAX_TAG_BYTES} is the limit.")
