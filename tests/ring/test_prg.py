"""The generator against published vectors and an independent computation."""

from __future__ import annotations

import copy
import hashlib
import pickle
import threading

import pytest
import torch
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tacit.errors import MisuseError
from tacit.ring import prg
from tacit.ring.prg import Prg

GENERATORS = ["aes128-ctr", "chacha20"]
SEED = bytes(range(16))


def keystream(cipher: prg._Keystream, size: int) -> bytes:
    out = bytearray(size)
    prg._encrypt_zeros(cipher, memoryview(out))
    return bytes(out)


def test_aes_vector_of_nist_sp_800_38a_f_5_1() -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    block = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    expected = (
        "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae"
        "6a2cc3787889374fbeb4c81b17ba6c44e89c399ff0f198c6d40a31db156cabfe"
    )
    assert keystream(prg._aes128_ctr(key, block), 64).hex() == expected


def test_chacha20_vector_of_rfc_8439_2_4_2() -> None:
    block = bytes.fromhex("01000000" + "000000000000004a00000000")
    expected = (
        "224f51f3401bd9e12fde276fb8631ded8c131f823d2c06e27e4fcaec9ef3cf78"
        "8a3b0aa372600a92b57974cded2b9334794cba40c63e34cdea212c4cf07d41b7"
    )
    assert keystream(prg._chacha20(bytes(range(32)), block), 64).hex() == expected


@pytest.mark.parametrize("stream", [0, 1, 255, 2**32, 2**63, 2**64 - 1])
def test_aes_streams_are_counters_under_the_derived_key(stream: int) -> None:
    key = hashlib.blake2b(b"aes128-ctr", digest_size=16, key=SEED, person=b"tacit prg key").digest()
    blocks = b"".join(stream.to_bytes(8, "big") + block.to_bytes(8, "big") for block in range(5))
    expected = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(blocks)  # noqa: S305  one block at a time
    assert bytes(Prg(SEED).raw(stream, 77).tolist()) == expected[:77]


@pytest.mark.parametrize("stream", [0, 1, 255, 2**32, 2**63, 2**64 - 1])
def test_chacha_streams_are_nonces_under_the_derived_key(stream: int) -> None:
    key = hashlib.blake2b(b"chacha20", digest_size=32, key=SEED, person=b"tacit prg key").digest()
    block = bytes(8) + stream.to_bytes(8, "little")
    expected = Cipher(algorithms.ChaCha20(key, block), None).encryptor().update(bytes(77))
    assert bytes(Prg(SEED, "chacha20").raw(stream, 77).tolist()) == expected


@pytest.mark.parametrize("generator", GENERATORS)
def test_words_and_raw_read_the_same_stream_in_any_order(generator: str) -> None:
    generate = Prg(SEED, generator)
    long = generate.words(7, 100_000)  # longer than one chunk of zeros
    assert torch.equal(generate.words(7, 10), long[:10])
    assert not torch.equal(generate.words(8, 10), long[:10])
    assert torch.equal(generate.raw(7, 800_000).view(torch.int64), long)
    assert torch.equal(Prg(SEED, generator).words(7, 100_000), long)
    assert generate.words(7, 0).shape == (0,)
    assert len(set(long.tolist())) == 100_000


@pytest.mark.parametrize("generator", GENERATORS)
def test_every_bit_is_balanced(generator: str) -> None:
    draw = Prg(SEED, generator).words(3, 1 << 16)
    for bit in range(64):
        ones = int(((draw >> bit) & 1).sum())
        assert abs(ones - (1 << 15)) < 6 * 128  # six standard deviations


@pytest.mark.parametrize("generator", GENERATORS)
def test_derived_generators_are_apart(generator: str) -> None:
    base = Prg(SEED, generator)
    firsts = [one.words(0, 1).item() for one in (base, base.derive(""), base.derive("a"), base.derive("b"))]
    assert len(set(firsts)) == 4
    assert torch.equal(base.derive("a").words(5, 9), Prg(SEED, generator).derive("a").words(5, 9))
    assert base.derive("a").generator == generator


def test_seeds_of_both_lengths_and_generators_differ() -> None:
    draws = [Prg(seed, generator).words(0, 1).item() for seed in (SEED, SEED + bytes(16)) for generator in GENERATORS]
    assert len(set(draws)) == 4


def test_torchs_seed_has_no_influence() -> None:
    torch.manual_seed(1)
    first = prg.fresh_seed()
    torch.manual_seed(1)
    assert prg.fresh_seed() != first
    assert len(first) == 16


def test_threads_may_share_a_generator() -> None:
    generate = Prg(SEED)
    expected = [generate.words(stream, 1000) for stream in range(8)]
    wrong: list[int] = []

    def draw(stream: int) -> None:
        for _ in range(200):
            if not torch.equal(generate.words(stream, 1000), expected[stream]):
                wrong.append(stream)

    threads = [threading.Thread(target=draw, args=(stream,)) for stream in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_nothing_shows_the_seed() -> None:
    generate = Prg(b"0123456789abcdef")
    assert repr(generate) == str(generate) == "Prg(generator='aes128-ctr')"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(MisuseError, match="secret seed"):
            leak(generate)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Prg(b"short"),
        lambda: Prg(bytes(24)),
        lambda: Prg(SEED, "mt19937"),
        lambda: Prg(SEED).words(-1, 1),
        lambda: Prg(SEED).words(2**64, 1),
    ],
)
def test_misuse_is_refused_without_the_seed(call) -> None:
    with pytest.raises(MisuseError) as caught:
        call()
    assert repr(SEED) not in str(caught.value)


def test_a_stream_never_runs_into_another(monkeypatch: pytest.MonkeyPatch) -> None:
    key_bytes, cipher, block, limit = prg._GENERATORS["chacha20"]
    assert limit == 64 * 2**32  # RFC 8439 counts blocks of 64 bytes with 32 bits
    monkeypatch.setitem(prg._GENERATORS, "chacha20", (key_bytes, cipher, block, 64))
    assert len(Prg(SEED, "chacha20").raw(0, 64)) == 64
    with pytest.raises(MisuseError, match="several streams"):
        Prg(SEED, "chacha20").raw(0, 65)
