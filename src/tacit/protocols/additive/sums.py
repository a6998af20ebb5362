"""Weighted sums of what secret bits choose, made in one pass over the source's shares.

With beta_i = b_i ^ rho_i open and x = m + a, ``b_i x = beta_i x + (1 - 2 beta_i) (m rho_i + rho_i a)``. So the sum of
``w_i b_i x`` takes the public sum of beta_i w_i, and the shares of rho_i and rho_i a with the weights w_i or -w_i.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from tacit.correlations.masks import MaskView
from tacit.correlations.requests import Choice
from tacit.protocols.additive.blocks import block_size
from tacit.protocols.additive.choice import MaskedBit, plane_of
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import opened
from tacit.protocols.share import Share, flat
from tacit.ring import kernels

Sum = Callable[[Tensor], Tensor]


def select_sums(context: Context, bits: Share, xs: Sequence[Share]) -> list[Sum]:
    """For 1 and each of ``xs``, of shape [*shape]: from weights int64[count] to the sum of ``w_i * bits[i] * x``.

    bits: [count, *shape]. One round, or one for each block of large ones; the openings of ``xs`` and 1 bit for each of
    ``bits``; from the source 64 bits for each of ``bits``, and 64 more for each of ``xs``.
    """
    count, geometries = bits.shape[0], {x.geometry for x in xs}
    n, size = bits.numel // count, block_size(8 * count * (1 + len(xs)))
    if n <= size or len(geometries) != 1 or any(x.numel != x.storage_numel for x in xs):
        return _select_sums(context, bits, xs)
    for x in xs:
        opened(context, x)
    shape, stride, _ = geometries.pop()
    order = sorted(range(len(shape)), key=lambda d: -stride[d])  # in which they lie in memory
    rows = bits.view(lambda part: part.permute(0, *(d + 1 for d in order)).reshape(count, -1))
    pieces: list[list[Sum]] = []
    for block in (slice(at, at + size) for at in range(0, n, size)):
        values = [x.view(lambda part, block=block: flat(part)[block]) for x in xs]  # type: ignore[misc]
        pieces.append(_select_sums(context, rows.view(lambda part, block=block: part[:, block]), values))  # type: ignore[misc]
    return [_joined(column, shape, stride) for column in zip(*pieces, strict=True)]


def _joined(pieces: Sequence[Sum], shape: tuple[int, ...], stride: tuple[int, ...]) -> Sum:
    return lambda weights: torch.cat([piece(weights) for piece in pieces]).as_strided(shape, stride).contiguous()


def _select_sums(context: Context, bits: Share, xs: Sequence[Share]) -> list[Sum]:
    count, shape = bits.shape[0], bits.shape[1:]
    values = [opened(context, x) for x in xs]
    request = Choice(context.new_id(), bits.numel, tuple(_repeated(v.view, count) for v in values))
    delivery = context.fetch(request)
    bit = MaskedBit(context, plane_of(bits), request.id)
    rho, *rho_a = (share.view(count, -1) for share in delivery.get())
    beta = bit.wait()

    def number(weights: Tensor) -> Tensor:
        total, picked = kernels.weighed(rho, beta, weights)
        return (total + context.constant(picked)).view(shape)

    def product(m: Tensor, x: Tensor, rho_x: Tensor) -> Sum:
        def weighed(weights: Tensor) -> Tensor:
            numbers, picked = kernels.weighed(rho, beta, weights)
            products, _ = kernels.weighed(rho_x, beta, weights)
            return (m * numbers + products + x * picked).view(shape)

        return weighed

    sums: list[Sum] = [number]
    for v, rho_x in zip(values, rho_a, strict=True):
        m, a = v.value.reshape(-1), v.mask_share(context).reshape(-1)
        sums.append(product(m, context.constant(m) + a, rho_x))
    return sums


def _repeated(view: MaskView, count: int) -> MaskView:
    """The same elements ``count`` times, along a new first dimension."""
    return replace(view, size=(count, *view.size), stride=(0, *view.stride))
