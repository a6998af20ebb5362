"""Products of shares by Beaver's method (CRYPTO 1991), for any bilinear map; cheaper if an owner knows an operand."""

from __future__ import annotations

from torch import Tensor

from tacit.correlations.masks import MaskView
from tacit.correlations.requests import OwnedProduct, Product, Square
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import opened
from tacit.protocols.additive.precompute import Precomputed, may_be_precomputed
from tacit.protocols.additive.private_opening import PrivateOpening
from tacit.protocols.share import Share, required
from tacit.ring.bilinear import Bilinear


def multiply(context: Context, op: Bilinear, x: Share, y: Share) -> Tensor:
    """``op(x, y)`` in the ring.

    Online 64 bits for each element of x and y that was not open before, one round; from the source 64 bits for each
    element of the result. With E = x - a and D = y - b open: ``E y + a D + ab``, where party i uses its own shares of
    y, a and ab. Where D is open before x is there, a party may have computed ``a D + ab`` ahead, see ``ahead``, and
    another not: so all use their shares of the mask. What is never computed ahead takes as a share of a that of x (the
    first party's less E), and expands no mask again.
    """
    if y.storage.known_by is not None:
        return _owned(context, op, x, y, owner=y.storage.known_by, owns_left=False)
    if x.storage.known_by is not None:
        return _owned(context, op, x, y, owner=x.storage.known_by, owns_left=True)
    left, right = opened(context, x), opened(context, y)
    delivery = context.fetch(Product(context.new_id(), op, left.view, right.view))
    if isinstance(delivery, Precomputed):
        return op(left.value, y.parts[0]).add_(delivery.get()[0])
    epsilon, delta = left.value, right.value
    if may_be_precomputed(op):
        a = left.mask_share(context)
    elif context.first:
        a = x.parts[0] - epsilon
    else:
        a = x.parts[0]
    return op.sum_of(epsilon, y.parts[0], a, delta).add_(delivery.get()[0])


def square(context: Context, x: Share) -> Tensor:
    """``x * x`` in the ring, as 2 E x - E^2 + a^2 with E = x - a: 64 bits an element, one round; from the source 64."""
    left = opened(context, x)
    delivery = context.fetch(Square(context.new_id(), left.view))
    epsilon, share = left.value, x.parts[0]
    twice = 2 * share - epsilon if context.first else 2 * share
    return twice.mul_(epsilon).add_(delivery.get()[0])


def _owned(context: Context, op: Bilinear, x: Share, y: Share, owner: int, owns_left: bool) -> Tensor:
    """A product with an operand w that ``owner`` knows in the clear.

    The others open D = w - b from the owner, once for each value of w, and send it E_j = v_j - a_j of the other
    operand v. The owner computes ``(v_owner + sum E_j) w``, each other party ``a_j D``: one product each, and 64 bits
    for each element of v to the owner only.
    """
    w, v = (x, y) if owns_left else (y, x)
    private = PrivateOpening.of(context, w, owner)
    left = opened(context, v, to=owner)
    views: tuple[MaskView, MaskView] = (private.view(w), left.view) if owns_left else (left.view, private.view(w))
    delivery = context.fetch(OwnedProduct(context.new_id(), op, *views, owner, owns_left))
    if isinstance(delivery, Precomputed):
        return delivery.get()[0]
    a = left.mask_share(context)
    if context.party.rank == owner:
        mine, public = left.value + a, required(w.clear)
    else:
        mine, public = a, private.delta(w)
    result = op(public, mine) if owns_left else op(mine, public)
    return result.add_(delivery.get()[0])
