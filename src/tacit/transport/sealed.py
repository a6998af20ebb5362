"""A connection whose every byte is sealed under keys that only its two ends have.

The keys come out of a TLS 1.3 handshake (``tacit.transport.tls``). TLS's own records hold 16 KB, and through Python
they pass at a tenth of the processor's speed; so, as in QUIC (RFC 9001), the handshake is TLS and the packets are ours:
AES-256-GCM records of up to 256 KB, numbered by their nonces. What was changed, repeated, left out or moved is refused.
"""

from __future__ import annotations

import hmac
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from tacit.transport.sockets import PeerGone
from tacit.transport.wire import WOULD_BLOCK, ForgedError, Wire, received, taken

RECORD_BYTES = 1 << 18
KEY_BYTES = 32

_LENGTH = struct.Struct("<I")
_TAG_BYTES = 16
_BEAT_BYTES = 16
_BEATS = 1 << 16
"""Beats that one connection has: enough for eighteen hours at one a second, then they start again."""

_EMPTY = memoryview(b"")


@dataclass(frozen=True)
class Keys:
    """Of one connection: a key for each direction's records, and one for each direction's beats."""

    sending: bytes = field(repr=False)
    receiving: bytes = field(repr=False)
    beating: bytes = field(repr=False)
    feeling: bytes = field(repr=False)


class SealedWire(Wire):
    """Records go both ways; a direction without records carries beats."""

    def __init__(self, sock: socket.socket, peer: str, keys: Keys) -> None:
        super().__init__(sock)
        self._peer = peer
        self._keys = keys
        self._seal, self._open = AESGCM(keys.sending), AESGCM(keys.receiving)
        self._sent = self._received = 0
        self._out = bytearray(_LENGTH.size + RECORD_BYTES + _TAG_BYTES)
        self._unsent = _EMPTY
        self._sealed_bytes = 0
        self._in = memoryview(bytearray(2 * (_LENGTH.size + RECORD_BYTES + _TAG_BYTES)))
        self._begin = self._end = 0
        self._opened = _EMPTY
        self._beats_due = memoryview(b"")
        self._beat_part = b""

    def write_some(self, parts: Sequence[memoryview]) -> int:
        if not self._unsent:
            self._sealed_bytes = self._next_record(parts)
        try:
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except WOULD_BLOCK:
            return 0
        except OSError as error:
            raise PeerGone from error
        return 0 if self._unsent else self._sealed_bytes

    def read_some(self, buffer: memoryview) -> int:
        if not self._opened:
            record = self._next_sealed()
            if record is None:
                return 0
            size = record.nbytes - _TAG_BYTES
            if size <= buffer.nbytes:
                self._open_into(record, buffer[:size])
                return size
            self._opened = memoryview(bytearray(size))
            self._open_into(record, self._opened)
        count = min(buffer.nbytes, self._opened.nbytes)
        buffer[:count] = self._opened[:count]
        self._opened = self._opened[count:]
        return count

    def beats(self) -> tuple[bytes, int]:
        return _stream(self._keys.beating), _BEAT_BYTES

    def felt(self) -> bool:
        data = self._beat_part + taken(self.sock, _BEAT_BYTES * 64)
        whole = len(data) - len(data) % _BEAT_BYTES
        self._beat_part = data[whole:]
        if not whole:
            return False
        while len(self._beats_due) < whole:
            self._beats_due = memoryview(bytes(self._beats_due) + _stream(self._keys.feeling))
        if not hmac.compare_digest(data[:whole], self._beats_due[:whole]):
            raise self._forged()
        self._beats_due = self._beats_due[whole:]
        return True

    def _next_record(self, parts: Sequence[memoryview]) -> int:
        """Seal what comes next of ``parts``; returns how many bytes of them."""
        first = parts[0]
        plain = first[:RECORD_BYTES] if first.nbytes >= RECORD_BYTES or len(parts) == 1 else _gathered(parts)
        length = _LENGTH.pack(plain.nbytes)
        size = _LENGTH.size + plain.nbytes + _TAG_BYTES
        self._out[: _LENGTH.size] = length
        view = memoryview(self._out)[:size]
        self._seal.encrypt_into(_nonce(self._sent), plain, length, view[_LENGTH.size :])
        self._sent += 1
        self._unsent = view
        return plain.nbytes

    def _next_sealed(self) -> memoryview | None:
        """The next record, if it has all arrived."""
        while True:
            there = self._end - self._begin
            if there >= _LENGTH.size:
                (size,) = _LENGTH.unpack_from(self._in, self._begin)
                if not 0 < size <= RECORD_BYTES:
                    raise self._forged()
                if there >= _LENGTH.size + size + _TAG_BYTES:
                    begin = self._begin + _LENGTH.size
                    self._begin = begin + size + _TAG_BYTES
                    return self._in[begin : self._begin]
            if self._begin and (self._begin == self._end or self._begin > RECORD_BYTES):
                rest = bytes(self._in[self._begin : self._end])
                self._in[: len(rest)] = rest
                self._begin, self._end = 0, len(rest)
            count = received(self.sock, self._in[self._end :])
            if count == 0:
                return None
            self._end += count
            self.arrived += count

    def _open_into(self, record: memoryview, target: memoryview) -> None:
        length = _LENGTH.pack(target.nbytes)
        try:
            self._open.decrypt_into(_nonce(self._received), record, length, target)
        except InvalidTag:
            raise self._forged() from None
        self._received += 1

    def _forged(self) -> ForgedError:
        return ForgedError(
            f"what arrived from '{self._peer}' is not what it sent next: it was changed, repeated, left out or moved "
            "on the way.",
            self._peer,
        )


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "little")


def _stream(key: bytes) -> bytes:
    """The beats under ``key``, which cannot be foretold without it."""
    encryptor = Cipher(AES(key), CTR(bytes(16))).encryptor()
    return encryptor.update(bytes(_BEAT_BYTES * _BEATS))


def _gathered(parts: Sequence[memoryview]) -> memoryview:
    """The first bytes of all parts, at most a record, in one piece."""
    out = bytearray()
    for part in parts:
        out += part[: RECORD_BYTES - len(out)]
        if len(out) == RECORD_BYTES:
            break
    return memoryview(out)
