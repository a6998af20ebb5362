"""What a device must give: the same bits as the CPU for every kernel, and sessions that keep all promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

import tacit
from benchmarks import nets
from benchmarks.job import CLINIC, LAB
from tacit.ring import device as on_device
from tacit.ring import kernels as on_cpu
from tacit.ring.chunks import table_planes
from tacit.ring.conjunctions import subsets
from tacit.ring.device import chacha_torch, staging
from tacit.ring.elementary import ExpRange, Wave
from tacit.ring.prg import Prg
from tacit.ring.window import Window
from tacit.settings import GENERATORS, Settings
from tacit.testing.protocols import check

Step = tuple[str, Callable[[], Any]]
SEED = bytes(range(16))
_words = Prg(b"sixteen bytes ok", "chacha20")
_streams = iter(range(1 << 30))


def words(*shape: int) -> Tensor:
    """Ring integers of the full range, others at every call."""
    return _words.words(next(_streams), torch.Size(shape).numel()).view(shape)


def kernels(device: torch.device, small: bool) -> Iterator[Step]:
    """Each kernel on the device against the CPU's."""

    def same(function: str, *args: Any) -> Step:
        moved = [_moved(arg, device) for arg in args]
        shapes = ["x".join(map(str, arg.shape)) for arg in args if isinstance(arg, Tensor)]
        name = f"{function} {', '.join([*shapes[:2], *(str(arg) for arg in args if isinstance(arg, torch.dtype))])}"
        return name, lambda: _equal(getattr(on_device, function)(*moved), getattr(on_cpu, function)(*args))

    scale = 1 if small else 8
    for rows, inner, columns in [(1, 1, 1), (3, 700, 5), (33, 17, 50), (100, 100, 100), (96 * scale, 5000, 70 * scale)]:
        yield same("matmul", words(rows, inner), words(inner, columns).t().contiguous().t())
    yield "matmul, longest sums", lambda: _longest_sums(device)
    yield same("bmm", words(12, 40, 64), words(12, 64, 40))
    yield same("bmm", words(2, 200 * scale, 64), words(2, 64, 200 * scale))
    yield same("bmm", words(32, 1, 9), words(32, 9, 400))
    for groups in (1, 8):
        window = Window((2, 1), (1, 0), (1, 2), groups)
        yield same("convolve", words(2, 8, 15, 15), words(16, 8 // groups, 3, 3), window)
    n = 100_003
    x, width = words(n), 62
    planes = on_cpu.to_planes(x, 64)
    yield same("to_planes", x, 37)
    yield same("from_planes", planes, n)
    yield same("pack_bits", x > 0)
    yield same("unpack_bits", planes[5].clone(), n)
    yield same("look_up", words(table_planes(width), 999), words(width, 999), True)
    yield "prefix_tables", lambda: _prefix_tables(device)
    yield same("truncated", x, 64, 16, 1 << 15, True, words(n), words(n))
    beta = words(-(-n // 64))
    yield same("chosen", x, False, words(n), words(n), words(n), beta)
    yield same("chosen_truncated", x, 64, 16, True, *(words(n) for _ in range(5)), beta)
    span = ExpRange(5, 2, 30)
    yield same("exp_table", x, 16, span)
    yield same("exp_products", x, 16, span, [0, 3], words(span.entries, n))
    yield same("harmonic_tables", x, 19, 4, 25)
    waves = [Wave((1.0, 0.5, -0.25)), Wave((0.125,), (1.0, 0.75, 0.5))]
    yield same("wave_products", x, 19, waves, 25, True, words(3, n), words(3, n))
    monomials = ((0, 1), (0, 1, 2, 3))
    products = words(len(subsets(monomials)), 3, 99)
    yield same("conjunctions", words(4, 3, 99), words(4, 3, 99), products, monomials, True)
    yield same("weighed", words(5, 777), words(-(-5 * 777 // 64)), words(5))
    yield same("encode", torch.randn(n, generator=torch.Generator().manual_seed(0)), 16)
    for dtype in (torch.float32, torch.float64):
        yield same("decode", x, 16, dtype)
    for generator in GENERATORS:
        yield f"generator {generator}", lambda generator=generator: _generator(generator, device)
    yield "transfers", lambda: _transfers(device)


def sessions(device: str) -> Iterator[Step]:
    """Whole sessions: every primitive for two and three parties, and networks against the CPU."""
    for parties in (2, 3):
        for generator in GENERATORS:
            settings = Settings(generator=generator)  # type: ignore[arg-type]
            name = f"every primitive, {parties} parties, {generator}"
            yield name, lambda s=settings, p=parties: f"{len(check(s, p, device=device))} results"
    yield "LeNet in plaintext fixed point", lambda: _network(device, Settings(protocol="plaintext"), 0)
    yield "LeNet between two parties", lambda: _network(device, Settings(), 1e-3)
    yield "LeNet, exact truncation", lambda: _network(device, Settings(truncation="exact"), 1e-3)


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


def _equal(found: Any, expected: Any) -> None:
    pairs = zip(found, expected, strict=True) if isinstance(expected, tuple | list) else [(found, expected)]
    for ours, theirs in pairs:
        ours = ours.cpu()
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            raise ValueError(f"{ours.dtype}{list(ours.shape)} instead of {theirs.dtype}{list(theirs.shape)}")
        different = int((ours != theirs).sum())
        if different:
            raise ValueError(f"{different} of {theirs.numel()} elements differ from the CPU's")


def _longest_sums(device: torch.device) -> None:
    """All limbs are -128, and the inner size is the longest that is not cut: the largest sums of products."""
    least = torch.full((40, on_device.limbs.EXACT_INNER), 0x7F7F7F7F7F7F7F80)
    moved = least.to(device)
    _equal(on_device.limbs.by_limbs(moved, moved.t()), on_cpu.matmul(least, least.t()))


def _prefix_tables(device: torch.device) -> None:
    planes = words(62, 501)
    tables, moved = (torch.zeros(table_planes(62), 501, dtype=torch.int64, device=d) for d in ("cpu", device))
    on_cpu.prefix_tables(planes, tables)
    on_device.prefix_tables(planes.to(device), moved)
    _equal(moved, tables)


def _generator(generator: str, device: torch.device) -> None:
    ours, theirs = Prg(SEED, generator, device), Prg(SEED, generator)  # type: ignore[arg-type]
    for stream in (0, 1, (1 << 32) - 1, 1 << 32, (1 << 64) - 1):
        for count in (1, 7, 8, 1000, 3_000_001):
            _equal(ours.words(stream, count), theirs.words(stream, count))
        _equal(ours.raw(stream, 77), theirs.raw(stream, 77))
    if generator == "chacha20":  # without Triton too, and in rehearsals
        target = torch.empty(5003, dtype=torch.int64, device=device)
        key = words(4).view(torch.int32)
        chacha_torch.fill(key.to(device), 9, target)
        expected = torch.empty(5003, dtype=torch.int64)
        chacha_torch.fill(key, 9, expected)
        _equal(target, expected)


def _transfers(device: torch.device) -> None:
    """Many buffers at once, of all sizes, there and back: a buffer that is used again too early would show."""
    sent = [words(1 + 977 * i % 60_000) for i in range(300)]
    there = [staging.to_device(_filled(x, device), device) for x in sent]
    for x, y in zip(sent, there, strict=True):
        _equal(staging.to_host(y + 1), x + 1)


def _filled(x: Tensor, device: torch.device) -> Tensor:
    return staging.host_buffer(tuple(x.shape), x.dtype, device).copy_(x)


def _network(device: str, settings: Settings, allowed: float) -> str:
    def job() -> Tensor:
        net = tacit.secret(nets.built(nets.lenet), owner=LAB)
        images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(5))
        y = net(tacit.secret(images, owner=CLINIC))
        y.square().sum().backward()
        return tacit.reveal(torch.cat([y.detach().flatten(), net[0].weight.grad.flatten()]))

    found = tacit.run(job, [LAB, CLINIC], settings=settings, device=device)[CLINIC]
    expected = tacit.run(job, [LAB, CLINIC], settings=settings)[CLINIC]
    error = float(((found - expected).abs() / expected.abs().clamp(min=1)).max())
    if not error <= allowed:
        raise ValueError(f"off by {error:.3g} from the CPU, {allowed} allowed")
    return f"max difference {error:.2g}"
