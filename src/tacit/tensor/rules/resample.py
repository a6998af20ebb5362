"""Linear maps along each dimension by itself: interpolation, averages in three dimensions, and their transposes.

The matrix of each dimension is public: it is what PyTorch makes of the columns of the identity. Free, left pending.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.nn import functional

from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_SCALED: tuple[tuple[str, int, bool], ...] = (
    ("upsample_linear1d", 1, True),
    ("upsample_bilinear2d", 2, True),
    ("upsample_trilinear3d", 3, True),
    ("upsample_bicubic2d", 2, True),
    ("_upsample_bilinear2d_aa", 2, True),
    ("_upsample_bicubic2d_aa", 2, True),
    ("upsample_nearest1d", 1, False),
    ("upsample_nearest2d", 2, False),
    ("upsample_nearest3d", 3, False),
    ("_upsample_nearest_exact1d", 1, False),
    ("_upsample_nearest_exact2d", 2, False),
    ("_upsample_nearest_exact3d", 3, False),
)
"""Name, dimensions, and whether corners may be aligned."""


def applied(x: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Each matrix [out, in] along one of the last dimensions of x."""
    for back, matrix in enumerate(reversed(matrices), 1):
        if matrix.shape[0] == matrix.shape[1] and bool((matrix == torch.eye(matrix.shape[0])).all()):
            continue
        rows = x.movedim(-back, -1)
        out = rows.reshape(-1, rows.shape[-1]) @ matrix.t().to(x.dtype)
        x = out.view(*rows.shape[:-1], matrix.shape[0]).movedim(-1, -back)
    return x


def _enter_scaled(name: str, dims: int, corners: bool) -> None:
    forward: OpOverload = getattr(aten, name).default
    backward: OpOverload = getattr(aten, f"{name}_backward").default

    def matrices(sizes: Sequence[int], out: Sequence[int], options: Sequence[Any]) -> list[Tensor]:
        aligned, scales = (options[0], options[1:]) if corners else (None, options)
        scales = [*scales, *[None] * (dims - len(scales))]
        return [
            _scaling(forward, dims, at, size, int(wanted), aligned, scales[at])
            for at, (size, wanted) in enumerate(zip(sizes, out, strict=True))
        ]

    @rule(forward)
    def upsample(protocol: Protocol, x: Secret, output_size: Sequence[int], *options: Any) -> Tensor:
        return applied(x, matrices(x.shape[2:], output_size, options))

    @rule(backward)
    def upsample_backward(
        protocol: Protocol, grad: Tensor, output_size: Sequence[int], input_size: Sequence[int], *options: Any
    ) -> Tensor:
        return applied(grad, [one.t() for one in matrices(input_size[2:], output_size, options)])


@lru_cache(256)
def _scaling(
    op: OpOverload, dims: int, at: int, size: int, wanted: int, aligned: bool | None, scale: float | None
) -> Tensor:
    """What ``op`` makes of each unit vector along one dimension, the others staying as they are."""
    # two entries in each of those: of one the kernels cannot tell in what order memory is laid out
    shape, out = [2] * dims, [2] * dims
    shape[at], out[at] = size, wanted
    scales = [None if d != at else scale for d in range(dims)]
    along = [size if d == at else 1 for d in range(dims)]
    units = torch.eye(size, dtype=torch.float64).view(1, size, *along).expand(1, size, *shape).contiguous()
    more = [] if aligned is None else [aligned]
    with torch.no_grad():
        found: Tensor = op(units, out, *more, *scales)
    return found[0].movedim(at + 1, -1).reshape(size, -1, wanted)[:, 0].t().contiguous()


for _name, _dims, _corners in _SCALED:
    _enter_scaled(_name, _dims, _corners)


def _averages(
    sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], *options: Any
) -> tuple[list[Tensor], float]:
    """The matrices of an average over windows, and a factor for all."""
    defaults: tuple[Any, ...] = (False, True, None)
    ceil_mode, counts_padding, divisor = (*options, *defaults[len(options) :])
    stride = stride or kernel
    kernel, stride, padding = ([*v] * 3 if len(v) == 1 else [*v] for v in (kernel, stride, padding))

    def along(size: int, k: int, s: int, p: int) -> Tensor:
        units = torch.eye(size, dtype=torch.float64).view(size, 1, size)
        found = functional.avg_pool1d(units, k, s, p, ceil_mode, counts_padding)
        return found.view(size, -1).t()

    if divisor is None:
        return [along(*each) for each in zip(sizes, kernel, stride, padding, strict=True)], 1.0
    sums = [along(*each) for each in zip(sizes, kernel, stride, padding, strict=True)]
    return [(one > 0).to(torch.float64) for one in sums], 1 / divisor


@rule(aten.avg_pool3d.default)
def avg_pool3d(
    protocol: Protocol,
    x: Secret,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    *more: Any,
) -> Tensor:
    """Free; left pending unless the windows' size is a power of two."""
    matrices, factor = _averages(x.shape[-3:], kernel, stride, padding, *more)
    out = applied(x, matrices)
    return out if factor == 1 else out * factor


@rule(aten.avg_pool3d_backward.default)
def avg_pool3d_backward(
    protocol: Protocol,
    grad: Tensor,
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    *more: Any,
) -> Tensor:
    """Free; left pending unless the windows' size is a power of two."""
    matrices, factor = _averages(x.shape[-3:], kernel, stride, padding, *more)
    out = applied(grad, [one.t() for one in matrices])
    return out if factor == 1 else out * factor


@rule(aten._adaptive_avg_pool3d.default)
def adaptive_avg_pool3d(protocol: Protocol, x: Secret, output_size: Sequence[int]) -> Tensor:
    """Free; left pending unless all regions' sizes are powers of two."""
    return applied(x, _regions(x.shape[-3:], output_size))


@rule(aten._adaptive_avg_pool3d_backward.default)
def adaptive_avg_pool3d_backward(protocol: Protocol, grad: Tensor, x: Tensor) -> Tensor:
    """Free; left pending unless all regions' sizes are powers of two."""
    return applied(grad, [one.t() for one in _regions(x.shape[-3:], grad.shape[-3:])])


def _regions(sizes: Sequence[int], output_size: Sequence[int]) -> list[Tensor]:
    def along(size: int, wanted: int) -> Tensor:
        units = torch.eye(size, dtype=torch.float64).view(size, 1, size)
        return functional.adaptive_avg_pool1d(units, wanted).view(size, wanted).t()

    return [along(size, wanted) for size, wanted in zip(sizes, output_size, strict=True)]


def _enter_replication(dims: int) -> None:
    forward: OpOverload = getattr(aten, f"replication_pad{dims}d").default
    backward: OpOverload = getattr(aten, f"replication_pad{dims}d_backward").default

    def source(shape: Sequence[int], padding: Sequence[int]) -> Tensor:
        """Where each entry of the padded image comes from."""
        places = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).view(1, *shape)
        found: Tensor = forward(places, padding)
        return found[0].to(torch.int64)

    @rule(forward)
    def replication_pad(protocol: Protocol, x: Secret, padding: Sequence[int]) -> Tensor:
        places = source(x.shape[-dims:], padding)
        return x.flatten(-dims)[..., places]

    @rule(backward)
    def replication_pad_backward(protocol: Protocol, grad: Tensor, x: Tensor, padding: Sequence[int]) -> Tensor:
        lead, shape = x.shape[:-dims], x.shape[-dims:]
        places = source(shape, padding).flatten()
        out = grad.new_zeros(*lead, torch.Size(shape).numel())
        return out.index_add(len(lead), places, grad.flatten(-dims)).view(x.shape)


for _dims in (1, 2, 3):
    _enter_replication(_dims)
