"""The pseudo-random generator: a seed and a stream number give the same words at every party and on every device."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from typing import Protocol, cast

import torch
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tacit.errors import MisuseError
from tacit.ring.device import chacha, chacha_torch
from tacit.ring.device.staging import CPU, host_buffer, to_device

SEED_BYTES = 16
# Encrypting zeros yields the keystream; 256 KiB of them stay in the cache (measured best of 64 KiB to 4 MiB).
_ZEROS = bytes(1 << 18)


class _Keystream(Protocol):
    """What ``Cipher(...).encryptor()`` gives for a stream cipher."""

    def update_into(self, data: bytes | memoryview, buf: memoryview) -> int: ...
    def reset_nonce(self, nonce: bytes) -> None: ...


def fresh_seed() -> bytes:
    """A new secret seed from the operating system's generator."""
    return os.urandom(SEED_BYTES)


class Prg:
    """A family of independent pseudo-random streams, fixed by a secret seed.

    seed: 16 or 32 bytes from ``fresh_seed``, a handshake or ``derive``. generator: ``"aes128-ctr"`` (fastest on a CPU)
    or ``"chacha20"``. The key is a keyed BLAKE2b of the seed for this generator; the stream number is one half of the
    cipher's 16-byte counter block and the position in the stream is the other, so streams never overlap.
    Every call starts at the beginning of its stream: whoever draws twice from one stream gets the same bytes twice.
    device: where the words go. A CUDA device makes ``"chacha20"`` itself; ``"aes128-ctr"`` comes from the CPU.
    """

    __slots__ = ("_cipher", "_key", "_lock", "_seed", "device", "generator")

    def __init__(self, seed: bytes, generator: str = "aes128-ctr", device: torch.device = CPU) -> None:
        if len(seed) not in (16, 32):
            raise MisuseError(f"A Prg's seed has 16 or 32 bytes, got {len(seed)}: take one from fresh_seed().")
        if generator not in _GENERATORS:
            raise MisuseError(f"No generator {generator!r}. Choose one of {', '.join(map(repr, _GENERATORS))}.")
        self.generator = generator
        self.device = device
        self._seed = bytes(seed)
        key_bytes, keystream, _, _ = _GENERATORS[generator]
        key = _keyed_hash(self._seed, b"tacit prg key", generator, key_bytes)
        self._cipher = keystream(key, bytes(16))
        self._key = chacha_torch.key_words(key, device) if device.type != "cpu" and generator == "chacha20" else None
        self._lock = threading.Lock()  # a cipher holds its position between reset_nonce and update_into

    def derive(self, label: str) -> Prg:
        """A generator of the same kind that is independent of this one and of those with other labels."""
        return Prg(_keyed_hash(self._seed, b"tacit derive", label, len(self._seed)), self.generator, self.device)

    def words(self, stream: int, count: int) -> torch.Tensor:
        """The first ``count`` words of a stream: int64, uniform on the full range. stream: 0 to 2**64 - 1."""
        return self._drawn(stream, count, torch.int64)

    def raw(self, stream: int, nbytes: int) -> torch.Tensor:
        """The first ``nbytes`` bytes of a stream, uint8; the same bytes that ``words`` reads as little-endian."""
        return self._drawn(stream, nbytes, torch.uint8)

    def _drawn(self, stream: int, count: int, dtype: torch.dtype) -> torch.Tensor:
        _, _, block, max_bytes = _GENERATORS[self.generator]
        if not 0 <= stream < 1 << 64:
            raise MisuseError(f"A stream number lies between 0 and 2**64 - 1, got {stream}.")
        if count * dtype.itemsize > max_bytes:
            raise MisuseError(f"One {self.generator} stream holds {max_bytes} bytes; draw from several streams.")
        if self._key is not None:
            drawn = torch.empty(count, dtype=dtype, device=self.device)
            chacha.fastest()(self._key, stream, drawn)
            return drawn
        drawn = host_buffer((count,), dtype, self.device)
        with self._lock:
            self._cipher.reset_nonce(block(stream))
            _encrypt_zeros(self._cipher, memoryview(drawn.numpy()).cast("B"))  # type: ignore[arg-type]
        return to_device(drawn, self.device)

    def __repr__(self) -> str:
        return f"Prg(generator={self.generator!r})"

    def __reduce__(self) -> tuple[object, ...]:
        raise MisuseError("A Prg holds a secret seed and is never pickled or copied; derive() another one instead.")


def _encrypt_zeros(cipher: _Keystream, target: memoryview) -> None:
    size, chunk = len(target), len(_ZEROS)
    if size <= chunk:
        cipher.update_into(memoryview(_ZEROS)[:size], target)
        return
    for start in range(0, size, chunk):
        part = target[start : start + chunk]
        cipher.update_into(memoryview(_ZEROS)[: len(part)], part)


def _keyed_hash(seed: bytes, purpose: bytes, label: str, size: int) -> bytes:
    return hashlib.blake2b(label.encode(), digest_size=size, key=seed, person=purpose).digest()


def _aes128_ctr(key: bytes, block: bytes) -> _Keystream:
    return cast(_Keystream, Cipher(algorithms.AES(key), modes.CTR(block)).encryptor())


def _chacha20(key: bytes, block: bytes) -> _Keystream:
    return cast(_Keystream, Cipher(algorithms.ChaCha20(key, block), mode=None).encryptor())


def _aes_block(stream: int) -> bytes:
    # Big-endian 128-bit counter (NIST SP 800-38A): the low 8 bytes count blocks, the high 8 are the stream.
    return stream.to_bytes(8, "big") + bytes(8)


def _chacha_block(stream: int) -> bytes:
    # 32-bit block counter, then the 96-bit nonce (RFC 8439 2.3): the stream is the nonce's last 8 bytes.
    return bytes(8) + stream.to_bytes(8, "little")


# name -> key bytes, cipher, first counter block of a stream, most bytes a stream may give without meeting another
_GENERATORS: dict[str, tuple[int, Callable[[bytes, bytes], _Keystream], Callable[[int], bytes], int]] = {
    "aes128-ctr": (16, _aes128_ctr, _aes_block, 1 << 62),
    "chacha20": (32, _chacha20, _chacha_block, 1 << 38),
}
