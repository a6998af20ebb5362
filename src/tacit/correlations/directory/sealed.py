"""A file that one party can read, and only if a certain dealer wrote it; written and read in bounded memory.

After a magic word and an ephemeral public key come chunks of 1 MiB under AES-256-GCM. The key is HKDF of two X25519
secrets, ephemeral-recipient and sender-recipient (as in HPKE's authenticated mode, RFC 9180, 4.1). Each file has a key
of its own, so chunks are numbered from 0; the last one is marked (STREAM; Hoang et al., CRYPTO 2015), so that a
file can neither be cut nor be put together from others.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tacit.errors import MisuseError

MAGIC = b"tacit sealed v1\n"
CHUNK = 1 << 20
TAG = 16
_KEY_BYTES = 32


class SealedWriter:
    """Writes a sealed file. context: public bytes that the reader must know to be the same."""

    def __init__(self, file: BinaryIO, sender: X25519PrivateKey, to: X25519PublicKey, context: bytes) -> None:
        ephemeral = X25519PrivateKey.generate()
        self._file = file
        self._chunks = _Chunks(
            ephemeral.exchange(to) + sender.exchange(to), ephemeral.public_key(), to, sender.public_key(), context
        )
        self._kept = bytearray()
        file.write(MAGIC + ephemeral.public_key().public_bytes_raw())

    def write(self, data: memoryview) -> None:
        """Append bytes."""
        start = 0
        if self._kept:
            start = min(len(data), CHUNK - len(self._kept))
            self._kept += data[:start]
        if start < len(data):  # a full chunk is written once it is known not to be the last one
            if self._kept:
                self._put(self._kept)
            while len(data) - start > CHUNK:
                self._put(data[start : start + CHUNK])
                start += CHUNK
            self._kept = bytearray(data[start:])

    def close(self) -> None:
        """Write the last chunk. The file stays open."""
        self._file.write(self._chunks.seal(self._kept, last=True))
        self._kept = bytearray()

    def _put(self, data: bytearray | memoryview) -> None:
        self._file.write(self._chunks.seal(data, last=False))


class SealedReader:
    """Reads a sealed file from its beginning. Raises MisuseError where it is not what ``SealedWriter`` wrote."""

    def __init__(self, file: BinaryIO, to: X25519PrivateKey, sender: X25519PublicKey, context: bytes) -> None:
        self._file = file
        self._left = os.fstat(file.fileno()).st_size - len(MAGIC) - _KEY_BYTES
        if file.read(len(MAGIC)) != MAGIC or self._left < TAG:
            raise MisuseError(f"{file.name} is not a file that `tacit deal` wrote, or was cut off.")
        ephemeral = X25519PublicKey.from_public_bytes(file.read(_KEY_BYTES))
        try:
            secret = to.exchange(ephemeral) + to.exchange(sender)
        except ValueError:
            raise self._refused() from None
        self._chunks = _Chunks(secret, ephemeral, to.public_key(), sender, context)
        self._sealed, self._opened = memoryview(bytearray(CHUNK + TAG)), memoryview(bytearray(CHUNK))
        self._ready = memoryview(b"")

    def read_into(self, target: memoryview) -> None:
        """Fill ``target`` with the next bytes."""
        filled = 0
        while filled < len(target):
            rest = len(target) - filled
            if not self._ready and rest >= CHUNK and self._left > CHUNK + TAG:  # a whole chunk: to where it belongs
                self._next(target[filled : filled + CHUNK])
                filled += CHUNK
                continue
            if not self._ready:
                self._ready = self._next(self._opened)
            part = min(rest, len(self._ready))
            target[filled : filled + part] = self._ready[:part]
            self._ready = self._ready[part:]
            filled += part

    def close(self) -> None:
        """Close the file."""
        self._ready = memoryview(b"")
        self._file.close()

    def _next(self, target: memoryview) -> memoryview:
        """Open the next chunk into the first bytes of ``target``; returns those."""
        if not self._left:
            raise MisuseError(f"{self._file.name} has less in it than its plan says.")
        sealed = self._sealed[: min(self._left, CHUNK + TAG)]
        if self._file.readinto(sealed) != len(sealed) or len(sealed) < TAG:  # type: ignore[attr-defined]
            raise self._refused()
        self._left -= len(sealed)
        target = target[: len(sealed) - TAG]
        try:
            self._chunks.open_into(target, sealed, last=not self._left)
        except InvalidTag:
            raise self._refused() from None
        return target

    def _refused(self) -> MisuseError:
        return MisuseError(
            f"{self._file.name} is damaged, was changed, or was sealed by another dealer or for another key. "
            "Nothing of it is used; get the folder from the dealer again."
        )


class _Chunks:
    def __init__(
        self,
        secret: bytes,
        ephemeral: X25519PublicKey,
        to: X25519PublicKey,
        sender: X25519PublicKey,
        context: bytes,
    ) -> None:
        names = b"".join(key.public_bytes_raw() for key in (ephemeral, to, sender))
        self._cipher = AESGCM(HKDF(SHA256(), _KEY_BYTES, None, MAGIC + names + context).derive(secret))
        self._number = 0

    def seal(self, data: bytearray | memoryview, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last), data, None)

    def open_into(self, target: memoryview, data: memoryview, last: bool) -> None:
        if hasattr(self._cipher, "decrypt_into"):
            self._cipher.decrypt_into(self._nonce(last), data, None, target)
        else:  # cryptography before 47
            target[:] = self._cipher.decrypt(self._nonce(last), data, None)

    def _nonce(self, last: bool) -> bytes:
        self._number += 1
        return self._number.to_bytes(11, "big") + bytes([last])
