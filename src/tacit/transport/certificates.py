"""Certificates: made, read, renewed and recognized. A node is known by the fingerprint of its public key.

The fingerprint is that of the key, not of the certificate: one that is renewed with the same key is known already.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from tacit.errors import MisuseError

Pins = Collection[str]
"""Fingerprints of the keys that a name may have; or of an authority that issues its certificates."""

DAYS = 365
"""How long a certificate is valid."""

CLOCK_SKEW = timedelta(minutes=5)
"""By how much the clocks of two hosts may differ."""

_PREFIX = "sha256:"


@dataclass(frozen=True)
class Identity:
    """What a node shows, and the key that proves it."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey = field(repr=False)
    issuers: tuple[x509.Certificate, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What others pin."""
        return fingerprint(self.certificate)

    def fingerprint_in(self, pins: Pins) -> bool:
        """Whether others who pin ``pins`` take it for what it is."""
        return any(fingerprint(one) in pins for one in (self.certificate, *self.issuers))


def fingerprint(certificate: x509.Certificate) -> str:
    """``sha256:`` and 64 hexadecimal digits of the public key's digest (as RFC 7469 takes it)."""
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _PREFIX + sha256(key).hexdigest()


def check_fingerprint(text: object) -> str:
    """A fingerprint as written in a configuration. Raises MisuseError for anything else."""
    digits = text.removeprefix(_PREFIX) if isinstance(text, str) else ""
    if not isinstance(text, str) or not text.startswith(_PREFIX) or len(digits) != 64:
        raise MisuseError(
            f'a fingerprint is like "{_PREFIX}" and 64 hexadecimal digits (tacit certs show), got {text!r}.'
        )
    if digits.strip("0123456789abcdef"):
        raise MisuseError(f"a fingerprint has the digits 0 to 9 and a to f, got {text!r}.")
    return text


def refusal(shown: x509.Certificate, issuers: Sequence[x509.Certificate], name: str, pins: Pins) -> str:
    """Why ``shown`` is not the certificate of ``name``; empty when it is."""
    if fingerprint(shown) not in pins and not any(_issued(shown, issuer, name, pins) for issuer in issuers):
        return f"it is not that of '{name}'"
    now = datetime.now(UTC)
    if now < shown.not_valid_before_utc - CLOCK_SKEW:
        return f"it is valid only from {_day(shown.not_valid_before_utc)} on; is a clock wrong?"
    if now > shown.not_valid_after_utc + CLOCK_SKEW:
        return f"it was valid until {_day(shown.not_valid_after_utc)}: renew it (tacit certs renew)"
    return ""


def make(name: str, folder: Path, days: int = DAYS, by: Identity | None = None, authority: bool = False) -> Identity:
    """Make a key and a certificate for ``name``: self-signed, or issued ``by`` an authority. Raises MisuseError."""
    paths = [folder / f"{name}{end}" for end in (".key", ".crt")]
    for path in paths:
        if path.exists():
            raise MisuseError(f"{path} is there already: tacit certs renew {name} makes a new certificate for it.")
    return _kept(name, folder, generate_private_key(SECP256R1()), days, by, authority)


def renew(name: str, folder: Path, days: int = DAYS, new_key: bool = False, by: Identity | None = None) -> Identity:
    """A new certificate for ``name``: of the same key, which others know already, or of a new one.

    What was there before stays beside it, as NAME.old.key and NAME.old.crt.
    """
    old = read(name, folder)
    issued = old.certificate.issuer != old.certificate.subject
    if issued and by is None:
        raise MisuseError(f"the certificate of {name} was issued by another key: say which one, with --by.")
    for end in (".key", ".crt"):
        path = folder / f"{name}{end}"
        _write(folder / f"{name}.old{end}", path.read_bytes(), private=end == ".key")
    key = generate_private_key(SECP256R1()) if new_key else old.key
    return _kept(name, folder, key, days, by, _is_authority(old.certificate))


def read(name: str, folder: Path) -> Identity:
    """The identity that ``folder`` holds for ``name``. Raises MisuseError, naming the file and what to do."""
    key_path, certificate_path = folder / f"{name}.key", folder / f"{name}.crt"
    for path in (key_path, certificate_path):
        if not path.is_file():
            raise MisuseError(f"there is no {path}: make a certificate for '{name}' with tacit certs init {name}.")
    mode = stat.S_IMODE(key_path.stat().st_mode)
    if mode & 0o077:
        raise MisuseError(f"{key_path} can be read by others (mode {mode:03o}): chmod 600 {key_path}.")
    chain = read_certificates(certificate_path)
    try:
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    except OSError as error:
        raise MisuseError(f"cannot read {key_path}: {error.strerror}. Whose file is it?") from None
    except (ValueError, TypeError):
        raise MisuseError(f"{key_path} is no private key that Tacit made.") from None
    if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != chain[0].public_key():
        raise MisuseError(f"{key_path} and {certificate_path} do not belong together.")
    return Identity(chain[0], key, tuple(chain[1:]))


def read_certificates(path: Path) -> list[x509.Certificate]:
    """All certificates of a file: the node's own first. Raises MisuseError."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise MisuseError(f"cannot read {path}: {error.strerror}.") from None
    except ValueError:
        raise MisuseError(f"{path} holds no certificate.") from None
    return found


def _kept(
    name: str, folder: Path, key: EllipticCurvePrivateKey, days: int, by: Identity | None, authority: bool
) -> Identity:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = by.certificate.subject if by else subject
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .sign(by.key if by else key, hashes.SHA256())
    )
    issuers = (by.certificate,) if by else ()
    folder.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(folder / f"{name}.key", private, private=True)
    _write(folder / f"{name}.crt", b"".join(one.public_bytes(pem) for one in (certificate, *issuers)), private=False)
    return Identity(certificate, key, issuers)


def _write(path: Path, data: bytes, private: bool) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _issued(shown: x509.Certificate, issuer: x509.Certificate, name: str, pins: Pins) -> bool:
    """Whether the pinned ``issuer`` made ``shown``, for ``name``."""
    now = datetime.now(UTC)
    if not issuer.not_valid_before_utc - CLOCK_SKEW <= now <= issuer.not_valid_after_utc + CLOCK_SKEW:
        return False
    if fingerprint(issuer) not in pins or not _is_authority(issuer):
        return False
    names = [str(attribute.value) for attribute in shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        shown.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return names == [name]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
