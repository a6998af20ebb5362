"""Whole numbers near a secret, and the sine and cosine of any angle."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tacit.functions import rounding, trigonometry
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import number, scaled
from tacit.tensor.registry import rule
from tacit.tensor.rules.smooth import real
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.floor.default)
def floor(protocol: Protocol, x: Secret) -> Secret:
    """Exact. Five rounds, 20 bytes; free for integers."""
    return _rounded(protocol, x, rounding.floor)


@rule(aten.ceil.default)
def ceil(protocol: Protocol, x: Secret) -> Secret:
    """Exact; the cost of ``floor``."""
    return _rounded(protocol, x, rounding.ceil)


@rule(aten.round.default)
def round_(protocol: Protocol, x: Secret) -> Secret:
    """To the nearest, ties to the even number; exact. Five rounds, 29 bytes; free for integers."""
    return _rounded(protocol, x, rounding.round_to_even)


@rule(aten.round.decimals)
def round_decimals(protocol: Protocol, x: Secret, *, decimals: int) -> Secret:
    """``round(x * 10**decimals) / 10**decimals``: as exact as that product."""
    whole = rounding.round_to_even(protocol, scaled(protocol, number(protocol, x, x.dtype), 10.0**decimals))
    return Secret(protocol, scaled(protocol, whole, 10.0**-decimals), x.dtype)


@rule(aten.trunc.default)
def trunc(protocol: Protocol, x: Secret) -> Secret:
    """Towards zero; exact. Two roundings, a comparison and a select."""
    return _rounded(protocol, x, rounding.truncated)


@rule(aten.frac.default)
def frac(protocol: Protocol, x: Secret) -> Tensor:
    """``x - trunc(x)``."""
    return x - trunc(protocol, x)


@rule(aten.sin.default)
def sin(protocol: Protocol, x: Secret) -> Secret:
    """Error 2 units, for ``|x| < 2**30``. Two rounds, 16 bytes."""
    share, dtype = real(protocol, x)
    return Secret(protocol, trigonometry.sine(protocol, share), dtype)


@rule(aten.cos.default)
def cos(protocol: Protocol, x: Secret) -> Secret:
    """As ``sin``."""
    share, dtype = real(protocol, x)
    return Secret(protocol, trigonometry.cosine(protocol, share), dtype)


def _rounded(protocol: Protocol, x: Secret, function: Callable[[Protocol, Share], Share]) -> Secret:
    """``function`` of x; integers are whole already."""
    if not x.dtype.is_floating_point:
        return aten.clone.default(x)  # type: ignore[no-any-return]
    return Secret(protocol, function(protocol, x._share), x.dtype)
