"""Choosing by a secret bit: ``b v`` for values under a mask, after one opened bit.

With beta = b ^ rho open, b = beta + (1 - 2 beta) rho; for v = m + a with m public, b v follows from the source's shares
of rho and rho a. ReLU joins the choice with a truncation on the same opening.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from tacit.correlations.requests import Choice, TruncatedChoice
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import Opened, opened
from tacit.protocols.share import EVERYONE, Share, required
from tacit.ring import kernels
from tacit.ring.bits import pack_bits, unpack_bits
from tacit.transport.channel import Exchange


class MaskedBit:
    """``b ^ rho`` on its way; the id of rho is that of the request that deals with it. One bit, one round."""

    def __init__(self, context: Context, plane: Tensor, request: int) -> None:
        self._own = plane ^ context.source.streams.bit_mask(request, tuple(plane.shape))
        self._exchange: Exchange = context.channel.broadcast(self._own)

    def wait(self) -> Tensor:
        """The public beta as a plane."""
        return reduce(torch.bitwise_xor, self._exchange.wait(), self._own)


class Choosing:
    """The ring integer b, and ``b v`` for each opened v, on their way.

    1 bit and one round beside the openings of v; from the source 64 bits for rho and 64 for each v.
    """

    def __init__(self, context: Context, plane: Tensor, values: Sequence[Opened], count: int) -> None:
        self._context, self._values = context, values
        request = Choice(context.new_id(), count, tuple(v.view for v in values))
        self._delivery = context.fetch(request)
        self._bit = MaskedBit(context, plane, request.id)

    def get(self) -> tuple[Tensor, list[Tensor]]:
        """The number b, and each ``b v``, all flat."""
        first = self._context.first
        rho, *rho_a = self._delivery.get()
        beta = self._bit.wait()
        products = []
        for v, product in zip(self._values, rho_a, strict=True):
            m, a = v.value.reshape(-1), v.mask_share(self._context).reshape(-1)
            products.append(kernels.chosen(m, first, a, rho, product, beta))
        bits = unpack_bits(beta, rho.shape[0]).to(torch.int64)
        return self._context.constant(bits) + (1 - 2 * bits) * rho, products


class ChoosingTruncated:
    """``b x / 2**shift``, floor or floor + 1, on its way, from an opening of x of which ``width`` bits count.

    1 bit and one round; from the source 64 bits each for s, rho, rho s and, for a shift of 16, 16 bits each for the top
    bit and rho times it (see ``truncation`` for the names).
    """

    def __init__(self, context: Context, plane: Tensor, x: Opened, width: int, shift: int) -> None:
        self._context, self._x, self._width, self._shift = context, x, width, shift
        request = TruncatedChoice(context.new_id(), x.view, width, shift)
        self._delivery = context.fetch(request)
        self._bit = MaskedBit(context, plane, request.id)

    def get(self) -> Tensor:
        """The result, flat."""
        shares, m = self._delivery.get(), self._x.value.reshape(-1)
        return kernels.chosen_truncated(m, self._width, self._shift, self._context.first, *shares, self._bit.wait())


def select(context: Context, bits: Sequence[Share], xs: Sequence[Share], shifts: Sequence[int]) -> list[Tensor]:
    """``bit * x / 2**shift`` for each pair of one shape; one round for all.

    1 bit for each different bit and, for each x that was not open before, 64; a public x needs its bit only.
    """
    values = [None if x.storage.known_by == EVERYONE else opened(context, x) for x in xs]
    planes = {id(bit): plane_of(bit) for bit in bits}
    whole: dict[int, list[int]] = {key: [] for key in planes}
    truncated: dict[int, ChoosingTruncated] = {}
    for i, (bit, value, shift) in enumerate(zip(bits, values, shifts, strict=True)):
        if value is not None and shift:
            truncated[i] = ChoosingTruncated(context, planes[id(bit)], value, 64, shift)
        else:
            whole[id(bit)].append(i)
    count = bits[0].numel
    choosing = {}
    for key, members in whole.items():
        if members:
            opened_ones = [value for value in (values[i] for i in members) if value is not None]
            choosing[key] = Choosing(context, planes[key], opened_ones, count)
    out = {i: waiting.get() for i, waiting in truncated.items()}
    for key, members in whole.items():
        if members:
            number, products = choosing[key].get()
            remaining = iter(products)
            for i in members:
                out[i] = number * required(xs[i].clear).reshape(-1) if values[i] is None else next(remaining)
    return [out[i].view(bit.shape) for i, bit in enumerate(bits)]


def plane_of(bit: Share) -> Tensor:
    """The plane of this party's shares of a bit."""
    return pack_bits(bit.parts[0].reshape(-1))
