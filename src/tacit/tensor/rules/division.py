"""Division, reciprocals and square roots over the whole range."""

from __future__ import annotations

from typing import Any

import torch

from tacit.functions import reciprocal as reciprocals
from tacit.functions import roots
from tacit.protocols._base import Protocol
from tacit.protocols.share import EVERYONE, Share
from tacit.tensor.operands import Number, Operand, known_factor, number, result_type
from tacit.tensor.registry import rule
from tacit.tensor.rules.linear import quotient
from tacit.tensor.rules.smooth import real
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.div.Tensor, aten.div.Scalar)
def div(protocol: Protocol, x: Operand, y: Operand) -> Secret:
    """By a public number: free, left pending. By a secret: error 5e-5 of the result or 3 units; see ``divide``.

    Over a secret 0 it is 0, whatever is divided; a public 0 raises EncodingError.
    """
    dtype = result_type(x, y)
    if not dtype.is_floating_point:
        dtype = torch.get_default_dtype()
    if isinstance(y, Secret) and y._share.storage.known_by == EVERYONE:
        known = known_factor(number(protocol, y, dtype))
        y = known.ring.double() * 2.0 ** -(known.scale + known.shift)
    if not isinstance(y, Secret):
        return Secret(protocol, quotient(protocol, lifted(protocol, x, dtype), y), dtype)
    above, below = _broadcast(lifted(protocol, x, dtype), number(protocol, y, dtype))
    return Secret(protocol, reciprocals.divide(protocol, above, below), dtype)


def _broadcast(x: Share, y: Share) -> tuple[Share, Share]:
    shape = torch.broadcast_shapes(x.shape, y.shape)
    x, y = (z if z.shape == shape else z.view(lambda part: part.expand(shape)) for z in (x, y))
    return x, y


@rule(aten.reciprocal.default)
def reciprocal(protocol: Protocol, x: Secret) -> Secret:
    """Error 5e-5 of the result or 2 units, over the whole range; 1/0 is 0. Eight rounds, 131 bytes."""
    share, dtype = real(protocol, x)
    return Secret(protocol, reciprocals.reciprocal(protocol, share), dtype)


@rule(aten.sqrt.default)
def sqrt(protocol: Protocol, x: Secret) -> Secret:
    """Error 1e-5 of the result or 2 units; 0 for negative x. Eight rounds, 104 bytes."""
    share, dtype = real(protocol, x)
    return Secret(protocol, roots.square_root(protocol, share), dtype)


@rule(aten.rsqrt.default)
def rsqrt(protocol: Protocol, x: Secret) -> Secret:
    """Error 1e-5 of the result or 2 units; 0 and less count as half a unit. Eight rounds, 104 bytes."""
    share, dtype = real(protocol, x)
    return Secret(protocol, roots.inverse_root(protocol, share), dtype)


@rule(aten.addcdiv.default)
def addcdiv(protocol: Protocol, x: Operand, y: Operand, z: Operand, *, value: Number = 1) -> Any:
    """``x + value * y / z``: the cost of the division."""
    return torch.add(x, aten.div.Tensor(y, z), alpha=value)
