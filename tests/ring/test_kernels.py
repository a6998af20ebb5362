"""The choice of kernels, and what the native face refuses before C++ would read wild memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from tacit.errors import MisuseError
from tacit.ring import kernels

NATIVE = [name for name in kernels.available() if name not in ("device", "reference")]
needs_native = pytest.mark.skipif(not NATIVE, reason="built without a compiler")


def active_under(wanted: str) -> str:
    code = "from tacit.ring import kernels; print(kernels.active())"
    environment = {**os.environ, "TACIT_KERNELS": wanted}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_reference_is_always_there() -> None:
    assert list(kernels.available())[-1] == "reference"
    assert kernels.choose("reference")[0] == "reference"
    assert kernels.choose("auto")[0] == (NATIVE[0] if NATIVE else "reference")


@pytest.mark.slow  # three processes: the choice is made on import
def test_the_environment_decides() -> None:
    assert active_under("reference") == "reference"
    assert active_under("device") == "device"
    assert active_under("auto") == (NATIVE[0] if NATIVE else "reference")


@needs_native
def test_native_is_the_fastest_target() -> None:
    assert kernels.choose("native")[0] == NATIVE[0]
    assert "portable" in NATIVE
    for name in NATIVE:
        assert kernels.choose(name)[0] == name


def test_an_unknown_choice_says_what_there_is() -> None:
    with pytest.raises(MisuseError, match=r"There are .*reference"):
        kernels.choose("mmx")


@needs_native
def test_a_stale_build_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from tacit.ring import native

    monkeypatch.setattr(native, "INTERFACE", -1)
    assert list(kernels.available()) == ["device", "reference"]
    assert kernels.choose("auto")[0] == "reference"
    with pytest.raises(MisuseError, match="compiler"):
        kernels.choose("native")


@needs_native
@pytest.mark.parametrize("name", NATIVE)
def test_native_refuses_what_it_cannot_trust(name: str) -> None:
    native = kernels.available()[name]
    x = torch.zeros(64, dtype=torch.int64)
    calls = [
        lambda: native.matmul(x.view(8, 8), x.view(4, 16)),
        lambda: native.matmul(x.view(8, 8).double(), x.view(8, 8).double()),
        lambda: native.matmul(x, x),
        lambda: native.bmm(x.view(2, 4, 8), x.view(1, 8, 8)),
        lambda: native.bmm(x.view(2, 4, 8), x.view(4, 8, 2)),
        lambda: native.to_planes(x.int(), 8),
        lambda: native.to_planes(x, 65),
        lambda: native.to_planes(x, 0),
        lambda: native.from_planes(x.view(64, 1), 65),
        lambda: native.from_planes(x.view(1, 64), -1),
        lambda: native.from_planes(torch.zeros(65, 1, dtype=torch.int64), 64),
        lambda: native.pack_bits(x),
        lambda: native.unpack_bits(x, 64),
        lambda: native.unpack_bits(x, 64 * 64 + 1),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"Expected|fit|width|words"):
            call()
