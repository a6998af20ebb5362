"""What can be looked at without the others: certificate files, this host's port, names, what is installed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from tacit._version import PROTOCOL_VERSION, __version__
from tacit.doctor.findings import Finding, mend, note, ok
from tacit.errors import MisuseError
from tacit.transport.certificates import Identity, Pins, fingerprint, read, read_certificates

SOON = 30
"""Days before its end from which on a certificate is told about."""

_CERTIFICATE = "certificate"


def torch_version() -> str:
    """PyTorch's, without loading it; empty if it is not installed."""
    try:
        return metadata.version("torch").split("+")[0]
    except metadata.PackageNotFoundError:
        return ""


def versions(name: str) -> Finding:
    """What is installed here."""
    torch = torch_version()
    if not torch:
        return mend("versions", name, "PyTorch is not installed", "Install it in the environment of this command.")
    return ok("versions", name, f"tacit {__version__}, protocol {PROTOCOL_VERSION}, torch {torch}")


def check_certificate(name: str, folder: Path, pins: Pins) -> tuple[Identity | None, list[Finding]]:
    """The identity of this node, None if it cannot be used, and what is to say about its files."""
    try:
        found = list(_files(name, folder))
        if found:
            return None, found
        identity = read(name, folder)
    except OSError as error:
        text = f"cannot look into {folder}: {error.strerror}"
        return None, [mend(_CERTIFICATE, name, text, f"Let the user who runs this command read {folder}.")]
    except MisuseError as error:
        text, _, advice = str(error).partition(": ")
        return None, [mend(_CERTIFICATE, name, text.rstrip("."), advice or _anew(name, folder))]
    found += _pinned(name, folder, identity, pins)
    days = days_left(identity)
    found += validity(name, days, f"tacit certs renew {name} --certs {folder}")
    if days >= 0 and identity.certificate.not_valid_before_utc > datetime.now(UTC):
        begins = identity.certificate.not_valid_before_utc
        advice = "Set this host's clock (NTP), or make the certificate anew."
        found.append(mend(_CERTIFICATE, name, f"it is valid only from {begins:%Y-%m-%d %H:%M} UTC on", advice))
    if not found:
        text = f"{folder / name}.crt fits its key and the cluster file, and is valid for {_days(days)}"
        found.append(ok(_CERTIFICATE, name, text))
    return identity, found


def days_left(identity: Identity) -> int:
    """Whole days until the certificate expires; negative once it has."""
    return (identity.certificate.not_valid_after_utc - datetime.now(UTC)).days


def validity(name: str, days: int, renew: str) -> list[Finding]:
    """What to say of a certificate with so many days left."""
    advice = f"{renew}: the fingerprint stays the same."
    if days < 0:
        return [mend(_CERTIFICATE, name, f"it expired {_days(-days - 1)} ago", advice)]
    return [note(_CERTIFICATE, name, f"it expires in {_days(days)}", advice)] if days < SOON else []


def _days(count: int) -> str:
    return {0: "less than a day", 1: "1 day"}.get(count, f"{count} days")


def _files(name: str, folder: Path) -> Iterator[Finding]:
    key = folder / f"{name}.key"
    for path in (key, folder / f"{name}.crt"):
        if not path.is_file():
            advice = f"tacit certs init {name} --certs {folder} makes one; or say with --certs where it lies."
            yield mend(_CERTIFICATE, name, f"there is no {path}", advice)
    if key.is_file():
        mode = stat.S_IMODE(key.stat().st_mode)
        if mode & 0o077:
            yield mend(_CERTIFICATE, name, f"{key} can be read by others (mode {mode:03o})", f"chmod 600 {key}")


def _pinned(name: str, folder: Path, identity: Identity, pins: Pins) -> Iterator[Finding]:
    if identity.fingerprint_in(pins):
        return
    stale = [path.name for path in sorted(folder.glob("*.crt")) if _fingerprint(path) in pins]
    hint = f" ({', '.join(stale)} has the listed one)" if stale else ""
    yield mend(
        _CERTIFICATE,
        name,
        f"its fingerprint is not the one in the cluster file{hint}",
        f'Put {name} = "{identity.fingerprint}" under [certificates], at every host.',
    )


def _fingerprint(path: Path) -> str:
    try:
        return fingerprint(read_certificates(path)[0])
    except MisuseError:
        return ""


def _anew(name: str, folder: Path) -> str:
    return f"Put back the right pair of files, or move them away and run tacit certs init {name} --certs {folder}."
