"""How long the kernels and a few rows of the benchmark take on a device; best of several for kernels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

import tacit
from benchmarks import measure
from benchmarks.gpu_checks import SEED, words
from benchmarks.job import CLINIC, LAB, job
from benchmarks.rows import rows
from tacit.ring import device as on_device
from tacit.ring.prg import Prg
from tacit.ring.window import Window
from tacit.settings import GENERATORS, Settings

Step = tuple[str, Callable[[], Any]]
_ROWS = ("matmul-1024", "conv-owned", "compare", "relu", "gelu", "softmax", "resnet18-owned", "bert-owned")


def kernels(device: torch.device, small: bool) -> Iterator[Step]:
    """Rates of the kernels that matter."""
    for n in (64, 128) if small else (512, 1024, 2048, 4096):
        a, b = words(n, n).to(device), words(n, n).to(device)
        yield f"ring GEMM {n}", _rate(lambda a=a, b=b: on_device.matmul(a, b), n**3 / 1e9, "GMAC/s", device)
    batch, side = (1, 14) if small else (16, 56)
    x, w = words(batch, 64, side, side).to(device), words(64, 64, 3, 3).to(device)
    window, macs = Window((1, 1), (1, 1), (1, 1), 1), batch * side**2 * 64 * 64 * 9 / 1e9
    yield "convolution 64->64, 3x3", _rate(lambda: on_device.convolve(x, w, window), macs, "GMAC/s", device)
    heads = words(12, 128, 64).to(device), words(12, 64, 128).to(device)
    yield "batch of 12 128x64x128", _rate(lambda: on_device.bmm(*heads), 12 * 128 * 64 * 128 / 1e9, "GMAC/s", device)
    count = 10_000 if small else 10_000_000
    for generator in GENERATORS:
        prg = Prg(SEED, generator, device)  # type: ignore[arg-type]
        yield f"generator {generator}", _rate(lambda p=prg: p.words(1, count), 8 * count / 1e9, "GB/s", device)
    n = 10_000 if small else 1_000_000
    flat = words(n).to(device)
    planes = on_device.to_planes(flat, 64)
    yield "to_planes", _rate(lambda: on_device.to_planes(flat, 64), 8 * n / 1e9, "GB/s", device)
    yield "from_planes", _rate(lambda: on_device.from_planes(planes, n), 8 * n / 1e9, "GB/s", device)
    bits = flat > 0
    yield "pack_bits", _rate(lambda: on_device.pack_bits(bits), n / 1e9, "GB/s", device)


def sessions(device: str, small: bool, repeat: int) -> Iterator[Step]:
    """Rows of the benchmark between two processes and a dealer that share the device; their own result is checked."""
    known = rows()
    for name in ("relu-1e4",) if small else (*_ROWS,):
        for generator in GENERATORS:
            if name in known:
                yield f"{known[name].title}, {generator}", lambda n=name, g=generator: _session(n, g, device, repeat)


def _session(name: str, generator: str, device: str, repeat: int) -> str:
    settings = Settings(generator=generator)  # type: ignore[arg-type]
    found = tacit.run(job, [LAB, CLINIC], (name, repeat), "processes", settings, device=device)
    outcomes = list(found.values())
    expected, _ = measure.reference(rows()[name], outcomes[0].runs)
    pairs = list(zip(outcomes[0].results, expected, strict=True))
    error = max(float((private.double() - plain.double()).abs().max()) for private, plain in pairs)
    largest = max(float(plain.double().abs().max()) for _, plain in pairs)
    return f"{measure.times(outcomes)['seconds']:.4f} s, max error {error:.2g} of {largest:.3g}"


def _rate(function: Callable[[], Any], amount: float, unit: str, device: torch.device) -> Callable[[], str]:
    def measured() -> str:
        best = min(_seconds(function, device) for _ in range(7))
        return f"{amount / best:.3g} {unit}, {best * 1e3:.3g} ms"

    return measured


def _seconds(function: Callable[[], Any], device: torch.device) -> float:
    _wait(device)
    start = time.perf_counter()
    function()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
