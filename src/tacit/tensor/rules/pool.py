"""Pooling. Max-pooling is a tournament in each window, whose matches route the gradient; averages are free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch

from tacit.functions.pooling import max_pool as pool
from tacit.functions.pooling import pool_routed
from tacit.functions.windows import Windows, adaptive_regions
from tacit.protocols._base import Protocol
from tacit.ring.bilinear import MATMUL
from tacit.tensor.operands import scaled
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret
from tacit.tensor.secret_index import Pooled, SecretIndex

aten = torch.ops.aten

Sizes = Sequence[int]


@rule(aten.max_pool2d_with_indices.default)
def max_pool(
    protocol: Protocol,
    x: Secret,
    kernel: Sizes,
    stride: Sizes = (),
    padding: Sizes = (0,),
    dilation: Sizes = (1,),
    ceil_mode: bool = False,
) -> tuple[Secret, Secret]:
    """A tournament in each window, see ``functions.pooling``; before a ReLU that was not done yet, which stays so."""
    windows = Windows.of(x.shape[-2:], kernel, stride, padding, dilation, ceil_mode)
    late = x._deferred
    pooling = pool(protocol, late.argument if late is not None else x._share, windows)
    index = SecretIndex(protocol, Pooled(pooling, rectified=late is not None))
    best = late.of(protocol.apart(pooling.best)) if late is not None else pooling.best
    return Secret(protocol, best, x.dtype), index


@rule(aten.max_pool2d_with_indices_backward.default)
def max_pool_backward(
    protocol: Protocol,
    grad: Secret,
    x: Secret,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    indices: SecretIndex,
) -> Secret:
    """No comparison: one select a level of the tournament."""
    return Secret(protocol, pool_routed(protocol, cast(Pooled, indices._numbers).pooling, grad._share), grad.dtype)


@rule(aten.avg_pool2d.default)
def avg_pool(
    protocol: Protocol,
    x: Secret,
    kernel: Sizes,
    stride: Sizes = (),
    padding: Sizes = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Secret:
    """Free; left pending unless the windows' size is a power of two."""
    windows = Windows.of(x.shape[-2:], kernel, stride, padding, (1,), ceil_mode)
    total = protocol.linear(windows.sums, x._share)
    weight = windows.weight(count_include_pad, divisor_override)
    return Secret(protocol, scaled(protocol, total, weight), x.dtype)


@rule(aten.avg_pool2d_backward.default)
def avg_pool_backward(
    protocol: Protocol,
    grad: Secret,
    x: Secret,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Secret:
    """Free; left pending unless the windows' size is a power of two."""
    windows = Windows.of(x.shape[-2:], kernel, stride, padding, (1,), ceil_mode)
    weighted = scaled(protocol, grad._share, windows.weight(count_include_pad, divisor_override))
    return Secret(protocol, protocol.linear(windows.spread, weighted), grad.dtype)


@rule(aten._adaptive_avg_pool2d.default)
def adaptive_avg_pool(protocol: Protocol, x: Secret, output_size: Sizes) -> Secret:
    """Free; left pending unless all regions' sizes are powers of two."""
    rows, columns = (adaptive_regions(n, m) for n, m in zip(x.shape[-2:], output_size, strict=True))
    left, right = protocol.placed(rows), protocol.placed(columns.t())
    total = protocol.linear(lambda part: _combined(left, part, right), x._share)
    return Secret(protocol, scaled(protocol, total, _area_weight(rows, columns)), x.dtype)


@rule(aten._adaptive_avg_pool2d_backward.default)
def adaptive_avg_pool_backward(protocol: Protocol, grad: Secret, x: Secret) -> Secret:
    """Free; left pending unless all regions' sizes are powers of two."""
    rows, columns = (adaptive_regions(n, m) for n, m in zip(x.shape[-2:], grad.shape[-2:], strict=True))
    weighted = scaled(protocol, grad._share, _area_weight(rows, columns))
    left, right = protocol.placed(rows.t()), protocol.placed(columns)
    return Secret(protocol, protocol.linear(lambda part: _combined(left, part, right), weighted), grad.dtype)


def _combined(left: torch.Tensor, x: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return MATMUL(MATMUL(left, x), right)


def _area_weight(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    return 1 / torch.outer(rows.sum(1), columns.sum(1)).double()
