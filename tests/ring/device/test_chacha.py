"""ChaCha20 by torch operations and by Triton's interpreter, against the ``cryptography`` package."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from tacit.ring import device
from tacit.ring.device import chacha, chacha_torch
from tacit.ring.device.chacha import Fill

KEY = bytes(range(7, 39))
STREAMS = [0, 1, 16, 2**31, 2**32 - 1, 2**32 + 5, 2**63, 2**64 - 1]
TRITON = "tacit.ring.device.chacha_triton"


INTERPRETED = pytest.param("triton", marks=pytest.mark.slow)
"""Slow, but the only way to run this code without a device."""


@pytest.fixture(params=["torch", INTERPRETED], scope="module")
def fill(request: pytest.FixtureRequest) -> Iterator[Fill]:
    if request.param == "torch":
        yield chacha_torch.fill
        return
    pytest.importorskip("triton")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        patch.delitem(sys.modules, TRITON, raising=False)
        from tacit.ring.device import chacha_triton

        patch.setattr(chacha_triton, "_LANES", 8)
        yield chacha_triton.fill
    sys.modules.pop(TRITON, None)


def expected(stream: int, size: int, first: int = 0) -> bytes:
    block = first.to_bytes(4, "little") + bytes(4) + stream.to_bytes(8, "little")
    return Cipher(algorithms.ChaCha20(KEY, block), None).encryptor().update(bytes(size))


def filled(fill: Fill, stream: int, size: int, dtype: torch.dtype = torch.uint8) -> bytes:
    target = torch.zeros(size // dtype.itemsize, dtype=dtype)
    fill(chacha_torch.key_words(KEY, torch.device("cpu")), stream, target)
    return bytes(target.view(torch.uint8).tolist())


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_has_the_bytes_of_the_cipher(fill: Fill, stream: int) -> None:
    assert filled(fill, stream, 200) == expected(stream, 200)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 63, 64, 65, 512, 513, 1600])
def test_any_number_of_bytes(fill: Fill, size: int) -> None:
    assert filled(fill, 77, size) == expected(77, size)


def test_words_are_little_endian_bytes(fill: Fill) -> None:
    assert filled(fill, 9, 808, torch.int64) == expected(9, 808)


def test_a_part_of_a_larger_memory(fill: Fill) -> None:
    memory = torch.zeros(100, dtype=torch.uint8)
    fill(chacha_torch.key_words(KEY, torch.device("cpu")), 5, memory[3:90])
    assert bytes(memory.tolist()) == bytes(3) + expected(5, 87) + bytes(10)


def test_long_streams_are_made_in_parts(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tacit.ring.device.chacha_torch", TRITON):
        if module in sys.modules:
            monkeypatch.setattr(sys.modules[module], "_BLOCKS", 16)
    assert filled(fill, 3, 3000) == expected(3, 3000)


def test_the_block_number_is_one_unsigned_word() -> None:
    numbers = torch.tensor([2**31 - 1, 2**31, 2**32 - 1])
    key = torch.frombuffer(bytearray(KEY), dtype=torch.int32).to(torch.int64) & 0xFFFFFFFF
    start = torch.cat([torch.tensor(chacha_torch.CONSTANTS), key, torch.tensor([0, 0, 8, 0])])
    blocks = chacha_torch._blocks(start, numbers).view(torch.uint8).view(3, 64)
    for number, block in zip(numbers.tolist(), blocks, strict=True):
        assert bytes(block.tolist()) == expected(8, 64, number)


def test_triton_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, TRITON, None)
    monkeypatch.delattr(device, "chacha_triton", raising=False)
    assert chacha.fastest.__wrapped__() is chacha_torch.fill


@pytest.mark.slow  # imports the compiler anew; what else says that it takes the kernel?
def test_triton_compiles_the_kernel() -> None:
    """To machine code, which needs no device: what the interpreter takes, the compiler may refuse."""
    pytest.importorskip("triton")
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(int(size) > 1000 for size in done.stdout.split())


COMPILE = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from tacit.ring.device.chacha_triton import _blocks
types = dict.fromkeys(["key", "first", "low", "high", "out", "count"], "i32")
types |= dict.fromkeys(["key", "out"], "*i32") | {"LANES": "constexpr"}
source = ASTSource(_blocks, types, constexprs={"LANES": 128})
for capability in (80, 90):
    print(len(compile(source, target=GPUTarget("cuda", capability, 32)).asm["cubin"]))
"""
