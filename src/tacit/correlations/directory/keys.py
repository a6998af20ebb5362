"""Key pairs of parties and dealers: X25519 (RFC 7748) in PEM files, ``NAME.key`` to keep and ``NAME.pub`` to give."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tacit.errors import MisuseError


def make_keys(name: str, folder: str | Path) -> tuple[Path, Path]:
    """A new key pair: ``folder/name.key``, which only its owner may read, and ``folder/name.pub``.

    Raises MisuseError rather than overwrite a key, without which nothing encrypted to it can be read.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    secret, public = folder / f"{name}.key", folder / f"{name}.pub"
    key = X25519PrivateKey.generate()
    try:
        for path, mode, data in (
            (secret, 0o600, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
            (public, 0o644, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        ):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(data)
    except FileExistsError as error:
        raise MisuseError(f"{error.filename} exists: use it, or choose another folder with --keys.") from None
    except OSError as error:
        raise MisuseError(f"cannot write {error.filename}: {error.strerror}.") from None
    return secret, public


def read_private(name: str, folder: str | Path) -> X25519PrivateKey:
    """The private key of ``name``. Raises MisuseError if there is none, or if others may read it."""
    path = Path(folder) / f"{name}.key"
    data = _read(path, f"`tacit keys {name}` makes one")
    if path.stat().st_mode & 0o077:
        raise MisuseError(
            f"others may read the private key {path}: `chmod 600 {path}`, and make a new one if they did."
        )
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, X25519PrivateKey):
        raise MisuseError(f"{path} is not an X25519 private key: `tacit keys {name}` makes one.")
    return key


def read_public(name: str, folder: str | Path) -> X25519PublicKey:
    """The public key of ``name``. Raises MisuseError if there is none."""
    path = Path(folder) / f"{name}.pub"
    data = _read(path, f"'{name}' makes it with `tacit keys {name}` and gives you {name}.pub, by a way you both trust")
    try:
        key = load_pem_public_key(data)
    except ValueError:
        key = None
    if not isinstance(key, X25519PublicKey):
        raise MisuseError(f"{path} is not an X25519 public key.")
    return key


def fingerprint(key: X25519PublicKey) -> str:
    """A short public name of a key."""
    return blake2b(key.public_bytes_raw(), digest_size=8, person=b"tacit key").hexdigest()


def _read(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MisuseError(f"there is no key {path}: {remedy}.") from None
    except OSError as error:
        raise MisuseError(f"cannot read the key {path}: {error.strerror}.") from None
