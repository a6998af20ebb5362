"""What of a product can be computed before its left operand is there: ``a D + ab`` where D is open already.

D is the opening of a weight, once for all its products; a is the mask of an operand to come, and known by number from
the plan. Everything is local, and each term serves the one request that it was made for.
"""

from __future__ import annotations

from torch import Tensor

from tacit.correlations._base import Delivery
from tacit.correlations.requests import OwnedProduct, Product, Request
from tacit.protocols.additive.context import Context
from tacit.ring.bilinear import Bilinear


class Precomputed(Delivery):
    """``a D + ab``, in place of the share of ab alone."""

    def __init__(self, term: Tensor) -> None:
        self._term = term

    def get(self) -> tuple[Tensor, ...]:
        return (self._term,)


def may_be_precomputed(op: Bilinear) -> bool:
    """Whether any party may have computed ``a D + ab`` of such a product ahead. Elementwise ones would gain nothing."""
    return op.name != "mul"


def precomputed(context: Context, request: Request, delivery: Delivery) -> Delivery:
    """The delivery with what can be added to it now; the delivery itself if that is nothing."""
    match request:
        case _ if isinstance(delivery, Precomputed):
            return delivery
        case Product(left=a, right=d) if may_be_precomputed(request.op):
            owns_left = False
        case OwnedProduct(left=d, right=a, owner=owner, owns_left=True) if owner != context.party.rank:
            owns_left = True
        case OwnedProduct(left=a, right=d, owner=owner, owns_left=False) if owner != context.party.rank:
            owns_left = False
        case _:
            return delivery
    delta = context.known(d.id)
    if delta is None:
        return delivery
    mask, delta = a.of(context.source.streams.ring_mask(a.id, a.numel)), d.of(delta)
    term = request.op(delta, mask) if owns_left else request.op(mask, delta)
    return Precomputed(term.add_(delivery.get()[0]))
