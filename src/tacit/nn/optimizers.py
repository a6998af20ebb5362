"""The steps of PyTorch's adaptive optimizers for secret parameters: moments of gradients at a scale of their own.

The square of a gradient of 1e-3 is below a unit of fixed point. So the state holds moments of ``2**k`` times the
gradient: ``2**k * m`` and ``2**2k * v``, whose quotient is that of m and ``sqrt(v)``. Gradients count up to
``2**_LARGEST``, beyond which they are cut off: their squares would leave the ring, and the step is near ``lr`` anyhow.
Otherwise every formula is that of ``torch.optim``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tacit.tensor.secret import Secret

_LARGEST = 7
"""The binary logarithm of the largest entry of a gradient that counts in full."""

_DECAY_BITS = 8
"""Significant bits of ``1 - beta2``: with few of them a second moment has room above it before the truncation."""

Row = dict[str, Any]
"""The arguments of one of PyTorch's functional optimizers, with one parameter, gradient and state for the lists."""


def adam(row: Row) -> None:
    """Adam and, with ``decoupled_weight_decay``, AdamW."""
    param, rest = row["params"], _short(1 - row["beta2"])
    k = _exponent(param, rest)
    grad, step = _gradient(row, k), _count(row)
    first, second = row["exp_avgs"], row["exp_avg_sqs"]
    first.lerp_(grad, 1 - row["beta1"])
    _decay(second, grad, rest)
    if row["amsgrad"]:
        largest = row["max_exp_avg_sqs"]
        largest.copy_(torch.maximum(largest, second))
        second = largest
    denominator = _root(second, 1 - (1 - rest) ** step) + row["eps"] * 2.0**k
    param.addcdiv_(first, denominator, value=-row["lr"] / (1 - row["beta1"] ** step))


def nadam(row: Row) -> None:
    """NAdam: the gradient and its moment share one division."""
    param, rest = row["params"], _short(1 - row["beta2"])
    k = _exponent(param, rest)
    grad, step = _gradient(row, k), _count(row)
    first, second, beta1 = row["exp_avgs"], row["exp_avg_sqs"], row["beta1"]
    now, later = (beta1 * (1 - 0.5 * 0.96 ** (n * row["momentum_decay"])) for n in (step, step + 1))
    row["mu_products"].mul_(now)
    product = float(row["mu_products"])
    first.lerp_(grad, 1 - beta1)
    _decay(second, grad, rest)
    denominator = _root(second, 1 - (1 - rest) ** step) + row["eps"] * 2.0**k
    ahead = grad * ((1 - now) / (1 - product)) + first * (later / (1 - product * later))
    param.addcdiv_(ahead, denominator, value=-row["lr"])


def radam(row: Row) -> None:
    """RAdam."""
    param, rest = row["params"], _short(1 - row["beta2"])
    k = _exponent(param, rest)
    grad, step = _gradient(row, k), _count(row)
    first, second = row["exp_avgs"], row["exp_avg_sqs"]
    first.lerp_(grad, 1 - row["beta1"])
    _decay(second, grad, rest)
    beta2, size = row["beta2"], -row["lr"] / (1 - row["beta1"] ** step)
    most = 2 / (1 - beta2) - 1
    length = most - 2 * step * beta2**step / (1 - beta2**step)
    if length <= 5:
        param.add_(first, alpha=size * 2.0**-k)
        return
    rectified = math.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
    correction = 1 - (1 - rest) ** step
    denominator = _root(second, correction) + row["eps"] * 2.0**k / math.sqrt(correction)
    param.addcdiv_(first, denominator, value=size * rectified)


def adamax(row: Row) -> None:
    """Adamax: no squares, but small gradients keep their digits."""
    param, k = row["params"], _exponent(row["params"])
    grad, step = _gradient(row, k), _count(row)
    first, largest = row["exp_avgs"], row["exp_infs"]
    first.lerp_(grad, 1 - row["beta1"])
    largest.copy_(torch.maximum(largest * row["beta2"], grad.abs() + row["eps"] * 2.0**k))
    param.addcdiv_(first, largest, value=-row["lr"] / (1 - row["beta1"] ** step))


def rmsprop(row: Row) -> None:
    """RMSprop."""
    param, rest = row["params"], _short(1 - row["alpha"])
    k = _exponent(param, 1.0 if row["centered"] else rest)
    grad, _ = _gradient(row, k), _count(row)
    second = row["square_avgs"]
    _decay(second, grad, rest)
    if row["centered"]:
        mean = row["grad_avgs"]
        mean.lerp_(grad, rest)
        second = second - _settled(mean * mean)
        second = second.clamp_min(0)
    denominator = _root(second, 1.0) + row["eps"] * 2.0**k
    if row["momentum"] > 0:
        buffer = row["momentum_buffer_list"]
        buffer.mul_(row["momentum"]).addcdiv_(grad, denominator)
        param.add_(buffer, alpha=-row["lr"])
    else:
        param.addcdiv_(grad, denominator, value=-row["lr"])


def rprop(row: Row) -> None:
    """Rprop: of gradients only the signs count; step sizes are held in small units."""
    param, k = row["params"], _exponent(row["params"])
    begins = not bool(row["state_steps"])
    _count(row)
    grad = -row["grads"] if row["maximize"] else row["grads"]
    before, size = row["prevs"], row["step_sizes"]
    if begins:
        size.mul_(2.0**k)
    sign = grad.sign()
    turn = sign * before
    faster, slower = (turn > 0).to(param.dtype), (turn < 0).to(param.dtype)
    size.mul_(1 + (row["etaplus"] - 1) * faster + (row["etaminus"] - 1) * slower)
    size.clamp_(row["step_size_min"] * 2.0**k, row["step_size_max"] * 2.0**k)
    sign = sign * (1 - slower)
    param.addcmul_(sign, size, value=-(2.0**-k))
    before.copy_(sign)


def adagrad(row: Row) -> None:
    """Adagrad. Its squares are added up as they are, and get less room below and more above."""
    param, k = row["params"], _exponent(row["params"], 1.0)
    begins = not bool(row["state_steps"])
    grad, step = _gradient(row, k), _count(row)
    total = row["state_sums"]
    if begins and not isinstance(total, Secret):  # made by the optimizer before the network was secret
        torch.utils.swap_tensors(total, torch.zeros_like(param).detach() + total)
    if begins:
        total.mul_(4.0**k)
    total.add_(_settled(grad * grad))
    denominator = _root(total, 1.0) + row["eps"] * 2.0**k
    param.addcdiv_(grad, denominator, value=-row["lr"] / (1 + (step - 1) * row["lr_decay"]))


def adadelta(row: Row) -> None:
    """Adadelta: steps are held at the scale of gradients."""
    param, rest = row["params"], _short(1 - row["rho"])
    k = _exponent(param, rest)
    grad, _ = _gradient(row, k), _count(row)
    second, steps, eps = row["square_avgs"], row["acc_deltas"], row["eps"] * 4.0**k
    _decay(second, grad, rest)
    change = _settled(grad / (second + eps).sqrt()) * (steps + eps).sqrt()
    _decay(steps, _settled(change), rest)
    param.add_(change, alpha=-row["lr"] * 2.0**-k)


STEPS: dict[str, Callable[[Row], None]] = {
    "adam": adam,
    "nadam": nadam,
    "radam": radam,
    "adamax": adamax,
    "rmsprop": rmsprop,
    "rprop": rprop,
    "adagrad": adagrad,
    "adadelta": adadelta,
}
"""By the name of PyTorch's functional form, and of its module in ``torch.optim``."""


def _exponent(param: Secret, rest: float = 0.0) -> int:
    """k: moments are those of ``2**k`` times the gradient. rest: the part of a square that enters the second moment.

    12 for 16 fraction bits and 0.001. Two things must fit: the second moment, above its unit and times the digits of
    ``rest``; and, before its truncation, the square that enters it.
    """
    frac_bits = param._protocol.settings.frac_bits
    room = (62 - frac_bits - _DECAY_BITS) / 2
    if rest:
        room = min(room, 31 - frac_bits - math.log2(rest) / 2)
    return max(0, math.floor(room) - _LARGEST)


def _gradient(row: Row, k: int) -> Tensor:
    """``2**k`` times the gradient, with the weight decay that belongs to it, within the range."""
    param, grad, decay = row["params"], row["grads"], row["weight_decay"]
    grad = -grad if row["maximize"] else grad
    if decay and row.get("decoupled_weight_decay"):
        param.mul_(1 - row["lr"] * decay)
    elif decay:
        grad = grad.add(param, alpha=decay)
    limit = 2.0 ** (k + _LARGEST)
    return _settled((_settled(grad) * 2.0**k).clamp(-limit, limit))


def _count(row: Row) -> float:
    """Which step this is, from 1 on."""
    row["state_steps"].add_(1)
    return float(row["state_steps"])


def _decay(second: Tensor, grad: Tensor, rest: float) -> None:
    """``second = (1 - rest) * second + rest * grad**2``, with nothing pending: room above is what it needs."""
    root = grad * math.sqrt(rest)
    lost, gained = second * rest, root * root
    _settled(lost, gained)
    second.sub_(lost).add_(gained)


def _root(second: Tensor, correction: float) -> Tensor:
    """``sqrt(second / correction)``; a unit more, for where a square vanished the gradient did not."""
    frac_bits = second._protocol.settings.frac_bits  # type: ignore[attr-defined]
    root: Tensor = (second + 2.0**-frac_bits).sqrt() * (1 / math.sqrt(correction))
    return root


def _settled(x: Tensor, *others: Tensor) -> Tensor:
    """x, truncated now, with the others, rather than lifted to the scale of what it is added to."""
    secrets: tuple[Any, ...] = (x, *others)
    secrets[0]._protocol.settle(*(secret._share for secret in secrets))
    return x


def _short(value: float) -> float:
    """The nearest number with few significant bits."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(mantissa, _DECAY_BITS)), exponent - _DECAY_BITS)
