"""Messages between the launcher and a process that it started: both are this user's, on this machine."""

from __future__ import annotations

import struct
from typing import IO, Any

import cloudpickle

_LENGTH = struct.Struct("<Q")


def put(stream: IO[bytes], message: Any) -> None:
    """Write one message. Functions and classes of ``__main__`` and of notebooks travel by value."""
    data = dumps(message)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def get(stream: IO[bytes]) -> Any:
    """Read one message. Raises EOFError when the other side has gone."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return loads(_exactly(stream, length))


def dumps(value: Any) -> bytes:
    """A pickle of ``value``."""
    return bytes(cloudpickle.dumps(value))


def loads(data: bytes) -> Any:
    """The value again."""
    return cloudpickle.loads(data)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
