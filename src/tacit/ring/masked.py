"""What becomes of a masked value m = x - a once m is public: truncation and choice, in torch (see ``kernels``).

Everything is int64[n] modulo 2^64 and local. With c = m + 2^(width - 2) modulo 2^width and r = -a, the truncation of x
is ``(c >> shift) - 2^(width - 2 - shift) - (r >> shift) + r_top (1 - c_top) 2^(width - shift)``; ``first`` says whether
this party is the one that adds public numbers. ``beta`` is a public plane of bits, b = beta + (1 - 2 beta) rho.
"""

from __future__ import annotations

import torch
from torch import Tensor


def truncated(m: Tensor, width: int, shift: int, rounding: int, first: bool, shifted: Tensor, top: Tensor) -> Tensor:
    """Shares of ``(x + rounding) / 2^shift``, floor or one more, from shares of ``r >> shift`` and of r's top bit."""
    c = _moved(m, width, rounding)
    return _of_first(_quotient(c, width, shift), first) - shifted + _carried(c, width, shift, top)


def chosen(m: Tensor, first: bool, a: Tensor, rho: Tensor, rho_a: Tensor, beta: Tensor) -> Tensor:
    """Shares of ``b x`` from shares of a, rho and rho a."""
    return _picked(beta, _of_first(m, first) + a, m * rho + rho_a)


def chosen_truncated(
    m: Tensor,
    width: int,
    shift: int,
    first: bool,
    shifted: Tensor,
    rho: Tensor,
    rho_shifted: Tensor,
    top: Tensor,
    rho_top: Tensor,
    beta: Tensor,
) -> Tensor:
    """Shares of ``b x / 2^shift``, from those of ``r >> shift``, rho, their product, r's top bit, and rho times it."""
    c = _moved(m, width, 0)
    quotient = _quotient(c, width, shift)
    value = _of_first(quotient, first) - shifted + _carried(c, width, shift, top)
    return _picked(beta, value, quotient * rho - rho_shifted + _carried(c, width, shift, rho_top))


def weighed(shares: Tensor, beta: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """For weights w: the sum over i of ``(1 - 2 beta_i) w_i shares_i``, and of ``beta_i w_i``.

    shares: int64[rows, n]. beta: a plane of the rows' bits, one row after the other. weights: int64[rows].
    """
    bits, column = _bits(beta, shares.numel()).view(shares.shape), weights.to(shares.device).unsqueeze(1)
    return ((1 - 2 * bits) * column * shares).sum(0), (bits * column).sum(0)


def _moved(m: Tensor, width: int, rounding: int) -> Tensor:
    c = m + ((1 << (width - 2)) + rounding)
    return c if width == 64 else c & ((1 << width) - 1)


def _quotient(c: Tensor, width: int, shift: int) -> Tensor:
    shifted = (c >> shift) & ((1 << (64 - shift)) - 1) if shift else c
    return shifted - (1 << (width - 2 - shift))


def _carried(c: Tensor, width: int, shift: int, top: Tensor) -> Tensor:
    return ((1 - ((c >> (width - 1)) & 1)) << (width - shift)) * top


def _of_first(public: Tensor, first: bool) -> Tensor:
    return public if first else public.new_zeros(()).expand(public.shape)


def _picked(beta: Tensor, value: Tensor, rho_value: Tensor) -> Tensor:
    bits = _bits(beta, value.shape[0])
    return bits * value + (1 - 2 * bits) * rho_value


def _bits(plane: Tensor, count: int) -> Tensor:
    places = torch.arange(count, device=plane.device)
    return (plane[places >> 6] >> (places & 63)) & 1
