"""Choosing by a secret bit: ``b v`` for values under a mask, after one opened bit.

With beta = b ^ rho open, b = beta + (1 - 2 beta) rho; for v = m + a with m public, b v follows from the source's shares
of rho and rho a. ReLU joins the choice with a truncation on the same opening.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from tacit.correlations.masks import MaskView
from tacit.correlations.requests import Choice, TruncatedChoice, needs_top
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import Opened
from tacit.protocols.additive.wrap import quotient, wrapped
from tacit.ring.bits import unpack_bits
from tacit.transport.channel import Exchange


class MaskedBit:
    """``b ^ rho`` on its way; the id of rho is that of the request that deals with it. One bit, one round."""

    def __init__(self, context: Context, plane: Tensor, request: int, count: int) -> None:
        self._own = plane ^ context.source.streams.bit_mask(request, tuple(plane.shape))
        self._exchange: Exchange = context.channel.broadcast(self._own)
        self._count = count

    def wait(self) -> Tensor:
        """The public beta as the public numbers 0 and 1, flat."""
        plane = reduce(torch.bitwise_xor, self._exchange.wait(), self._own)
        return unpack_bits(plane, self._count).to(torch.int64)


def choose(context: Context, plane: Tensor, values: Sequence[Opened], count: int) -> list[Tensor]:
    """The ring integer b, then ``b v`` for each opened v, all flat.

    1 bit and one round beside the openings of v; from the source 64 bits for rho and 64 for each v.
    """
    request = Choice(context.new_id(), count, tuple(v.view for v in values))
    delivery = context.fetch(request)
    bit = MaskedBit(context, plane, request.id, count)
    rho, *rho_a = delivery.get()
    beta = bit.wait()
    sign = 1 - 2 * beta
    out = [context.constant(beta) + sign * rho]
    for v, product in zip(values, rho_a, strict=True):
        m, a = v.value.reshape(-1), v.mask_share(context).reshape(-1)
        out.append(context.constant(beta * m) + beta * a + sign * (m * rho + product))
    return out


def choose_truncated(context: Context, plane: Tensor, view: MaskView, c: Tensor, width: int, shift: int) -> Tensor:
    """``b x / 2**shift``, floor or floor + 1, flat, from the opening c of x (see ``truncation``).

    1 bit and one round; from the source 64 bits each for s, rho, rho s and 16 each for the top bit and rho times it.
    """
    request = TruncatedChoice(context.new_id(), view, width, shift)
    delivery = context.fetch(request)
    bit = MaskedBit(context, plane, request.id, view.count)
    shifted, rho, rho_shifted, *tops = delivery.get()
    public = quotient(c, width, shift)
    value, rho_value = context.constant(public) - shifted, public * rho - rho_shifted
    if needs_top(width, shift):
        top, rho_top = tops
        wrap = wrapped(c, width, shift)
        value, rho_value = value + wrap * top, rho_value + wrap * rho_top
    beta = bit.wait()
    return beta * value + (1 - 2 * beta) * rho_value
