"""Sealed files: only whole, only unchanged, only for the right key from the right dealer."""

from __future__ import annotations

import io
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tacit.correlations.directory import sealed
from tacit.correlations.directory.keys import fingerprint, make_keys, read_private, read_public
from tacit.correlations.directory.sealed import SealedReader, SealedWriter
from tacit.errors import MisuseError

DEALER, LAB, CLINIC = (X25519PrivateKey.generate() for _ in range(3))
CHUNK = 64
HEADER = len(sealed.MAGIC) + 32


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(sealed, "CHUNK", CHUNK)


def write(pieces, to=LAB, context=b"part 1"):
    file = io.BytesIO()
    writer = SealedWriter(file, DEALER, to.public_key(), context)
    for piece in pieces:
        writer.write(memoryview(piece))
    writer.close()
    return file.getvalue()


def read(path, data, sizes, to=LAB, sender=DEALER, context=b"part 1"):
    path.write_bytes(data)
    with open(path, "rb") as file:
        reader = SealedReader(file, to, sender.public_key(), context)
        out = []
        for size in sizes:
            out.append(bytearray(size))
            reader.read_into(memoryview(out[-1]))
    return b"".join(out)


@pytest.mark.parametrize("total", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 7])
@pytest.mark.parametrize("step", [1, 7, CHUNK, CHUNK + 1, 1000])
def test_what_goes_in_comes_out(tmp_path, total, step):
    data = os.urandom(total)
    pieces = [data[i : i + step] for i in range(0, total, step)]
    written = write(pieces)
    chunks = max(1, -(-total // CHUNK))
    assert len(written) == HEADER + total + chunks * sealed.TAG
    assert read(tmp_path / "a", written, [3, total - 3] if total > 3 else [total]) == data
    with pytest.raises(MisuseError, match="less in it than its plan says"):
        read(tmp_path / "a", written, [total, 1])


def test_nothing_of_the_content_shows():
    data = bytes(1000)
    first, second = write([data]), write([data])
    assert data[:16] not in first
    assert first[HEADER:] != second[HEADER:]


@pytest.mark.parametrize("at", [HEADER, HEADER + CHUNK + 20, -1, len(sealed.MAGIC) + 3])
def test_a_changed_bit_is_noticed(tmp_path, at):
    data = bytearray(write([os.urandom(200)]))
    data[at] ^= 1
    with pytest.raises(MisuseError, match="was changed"):
        read(tmp_path / "a", data, [200])


def test_chunks_cannot_be_left_out_moved_or_taken_from_elsewhere(tmp_path):
    size = CHUNK + sealed.TAG
    data, other = write([os.urandom(200)]), write([os.urandom(200)])
    head, chunks = data[:HEADER], [data[i : i + size] for i in range(HEADER, len(data), size)]
    foreign = other[HEADER : HEADER + size]
    for wrong in (chunks[:-1], chunks[1:], [chunks[1], chunks[0], *chunks[2:]], [foreign, *chunks[1:]]):
        with pytest.raises(MisuseError, match="damaged"):
            read(tmp_path / "a", head + b"".join(wrong), [CHUNK * len(wrong)])
    for short in (b"", data[:20], head, b"x" + data[1:]):
        with pytest.raises(MisuseError, match="not a file that"):
            read(tmp_path / "a", short, [1])


@pytest.mark.parametrize("wrong", [{"to": CLINIC}, {"sender": CLINIC}, {"context": b"part 2"}])
def test_only_for_this_party_from_this_dealer_for_this_part(tmp_path, wrong):
    data = write([bytes(50)])
    assert read(tmp_path / "a", data, [50]) == bytes(50)
    with pytest.raises(MisuseError, match="another key"):
        read(tmp_path / "a", data, [50], **wrong)


def test_keys_are_kept_apart_and_never_overwritten(tmp_path):
    secret, public = make_keys("lab", tmp_path / "keys")
    assert secret.stat().st_mode & 0o777 == 0o600
    assert fingerprint(read_private("lab", tmp_path / "keys").public_key()) == fingerprint(
        read_public("lab", tmp_path / "keys")
    )
    assert secret.read_bytes() not in public.read_bytes()
    with pytest.raises(MisuseError, match="exists"):
        make_keys("lab", tmp_path / "keys")
    secret.chmod(0o644)
    with pytest.raises(MisuseError, match="chmod 600"):
        read_private("lab", tmp_path / "keys")
    secret.chmod(0o600)
    secret.write_bytes(public.read_bytes())
    with pytest.raises(MisuseError, match="not an X25519 private key"):
        read_private("lab", tmp_path / "keys")
    with pytest.raises(MisuseError, match=r"no key .*clinic\.pub: 'clinic' makes it with `tacit keys clinic`"):
        read_public("clinic", tmp_path / "keys")
