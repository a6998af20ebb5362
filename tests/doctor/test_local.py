"""What is found in certificate files, and at this host's port."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tacit.doctor import local, verdict
from tacit.doctor.findings import Level
from tacit.transport import certificates
from tacit.transport.certificates import make, renew


def told(folder, pins):
    identity, findings = local.check_certificate("lab", folder, pins)
    return identity, [finding for finding in findings if finding.level is not Level.OK], findings


def test_a_certificate_that_is_well(tmp_path):
    made = make("lab", tmp_path)
    identity, wrong, findings = told(tmp_path, [made.fingerprint])
    assert identity is not None
    assert not wrong
    assert "valid for 364 days" in findings[0].text


def test_files_that_are_missing_and_a_key_that_others_can_read(tmp_path):
    identity, wrong, _ = told(tmp_path, [])
    assert identity is None
    assert [finding.text for finding in wrong] == [f"there is no {tmp_path}/lab.{end}" for end in ("key", "crt")]
    assert "tacit certs init lab" in wrong[0].advice
    make("lab", tmp_path)
    (tmp_path / "lab.crt").unlink()
    os.chmod(tmp_path / "lab.key", 0o640)
    _, wrong, _ = told(tmp_path, [])
    assert [finding.text for finding in wrong] == [
        f"there is no {tmp_path}/lab.crt",
        f"{tmp_path}/lab.key can be read by others (mode 640)",
    ]
    assert wrong[1].advice == f"chmod 600 {tmp_path}/lab.key"


def test_a_key_of_another_certificate(tmp_path):
    make("lab", tmp_path)
    make("clinic", tmp_path)
    (tmp_path / "clinic.key").replace(tmp_path / "lab.key")
    identity, (one,), _ = told(tmp_path, [])
    assert identity is None
    assert "do not belong together" in one.text
    (tmp_path / "lab.key").write_text("no key")
    os.chmod(tmp_path / "lab.key", 0o600)
    assert "no private key" in told(tmp_path, [])[1][0].text


@pytest.mark.parametrize("at", ["read_bytes", "is_file"])
def test_files_of_another_user(tmp_path, monkeypatch, at):
    make("lab", tmp_path)

    def denied(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, at, denied)
    identity, (one,), _ = told(tmp_path, [])
    assert identity is None
    assert one.text.startswith("cannot")
    assert "Permission denied" in f"{one.text} {one.advice}"


def test_another_fingerprint_than_the_others_expect(tmp_path):
    old = make("lab", tmp_path)
    new = renew("lab", tmp_path, new_key=True)
    identity, (one,), _ = told(tmp_path, [old.fingerprint])
    assert identity is not None
    assert "lab.old.crt has the listed one" in one.text
    assert f'lab = "{new.fingerprint}"' in one.advice
    assert not told(tmp_path, [old.fingerprint, new.fingerprint])[1]


@pytest.mark.parametrize(
    ("days", "level", "says"), [(10, "note", "expires in 9 days"), (-3, "mend", "expired 3 days ago")]
)
def test_one_that_expires(tmp_path, monkeypatch, days, level, says):
    monkeypatch.setattr(certificates, "CLOCK_SKEW", timedelta(days=30))  # so that it can be made expired
    pin = make("lab", tmp_path, days=days).fingerprint
    _, (one,), _ = told(tmp_path, [pin])
    assert (str(one.level), one.text) == (level, f"it {says}")
    assert "tacit certs renew lab" in one.advice


def test_one_that_is_not_valid_yet(tmp_path, monkeypatch):
    pin = make("lab", tmp_path).fingerprint

    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(days=2)

    monkeypatch.setattr(local, "datetime", Earlier)
    _, (one,), _ = told(tmp_path, [pin])
    assert "valid only from" in one.text
    assert "clock" in one.advice
    assert datetime.now(UTC) > Earlier.now(UTC)


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.EADDRINUSE, "Another program"), (errno.EADDRNOTAVAIL, "--listen"), (errno.EACCES, "1024")],
)
def test_a_port_that_cannot_be_had(number, says):
    found = verdict.on_port("lab", "10.0.0.1", 80, OSError(number, os.strerror(number)))
    assert found.level is Level.MEND
    assert says in found.advice
