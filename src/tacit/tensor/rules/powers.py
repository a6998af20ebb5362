"""Exponentials, logarithms and powers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import MisuseError
from tacit.functions import exponential, logarithm, power
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import Number, addend, number, result_type, scaled
from tacit.tensor.registry import rule
from tacit.tensor.rules.smooth import real
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten


@rule(aten.exp.default)
def exp(protocol: Protocol, x: Secret) -> Secret:
    """Error 5e-5 of the result or 1 unit; saturates. Four rounds, 294 bits."""
    share, dtype = real(protocol, x)
    return Secret(protocol, exponential.exp(protocol, share), dtype)


@rule(aten.exp2.default)
def exp2(protocol: Protocol, x: Secret) -> Secret:
    """The cost and error of ``exp``, and a truncation."""
    share, dtype = real(protocol, x)
    return Secret(protocol, exponential.exp(protocol, scaled(protocol, share, math.log(2))), dtype)


@rule(aten.expm1.default)
def expm1(protocol: Protocol, x: Secret) -> Secret:
    """``exp(x) - 1``: no better near 0 than a unit."""
    share, dtype = real(protocol, x)
    out = exponential.exp(protocol, share)
    return Secret(protocol, protocol.add(out, addend(protocol, -1, out)), dtype)


@rule(aten.log.default)
def log(protocol: Protocol, x: Secret) -> Secret:
    """Error 5e-6 and a unit; 0 and less count as half a unit. Six rounds, 88 bytes."""
    share, dtype = real(protocol, x)
    return Secret(protocol, logarithm.logarithm(protocol, share), dtype)


@rule(aten.log2.default)
def log2(protocol: Protocol, x: Secret) -> Secret:
    """The cost of ``log`` and a truncation."""
    share, dtype = real(protocol, x)
    return Secret(protocol, logarithm.logarithm_of_two(protocol, share), dtype)


@rule(aten.log10.default)
def log10(protocol: Protocol, x: Secret) -> Secret:
    """The cost of ``log`` and a truncation."""
    share, dtype = real(protocol, x)
    return Secret(protocol, scaled(protocol, logarithm.logarithm(protocol, share), 1 / math.log(10)), dtype)


@rule(aten.log1p.default)
def log1p(protocol: Protocol, x: Secret) -> Secret:
    """``log(1 + x)``: no better near 0 than a unit."""
    share, dtype = real(protocol, x)
    share = protocol.add(share, addend(protocol, 1, share))
    return Secret(protocol, logarithm.logarithm(protocol, share), dtype)


@rule(aten.pow.Tensor_Scalar)
def power_of_number(protocol: Protocol, x: Secret, exponent: Number) -> Secret:
    """Whole exponents by squaring, 1/2 and -1/2 as roots, others of positive numbers; see ``tacit.functions.power``."""
    dtype = result_type(x, exponent)
    if not dtype.is_floating_point and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    base = number(protocol, x, dtype)
    if exponent == 0:
        return x.new_ones(x.shape, dtype=dtype)  # type: ignore[return-value]
    out = power.power(protocol, base, exponent)
    return Secret(protocol, protocol.copied(torch.clone, base) if out is base else out, dtype)


@rule(aten.pow.Tensor_Tensor)
def power_of_tensor(protocol: Protocol, x: Secret | Tensor, exponent: Secret | Tensor) -> Secret:
    """Of positive numbers: ``exp(exponent * log(x))``, error 1e-5 times the exponent and 5e-5. Eleven rounds."""
    dtype = result_type(x, exponent)
    if not dtype.is_floating_point:
        dtype = torch.get_default_dtype()
    base, raised = lifted(protocol, x, dtype), lifted(protocol, exponent, dtype)
    shape = torch.broadcast_shapes(base.shape, raised.shape)
    base, raised = (z.view(lambda part: part.expand(shape)) for z in (base, raised))
    return Secret(protocol, power.secret_power(protocol, base, raised), dtype)


@rule(aten.pow.Scalar)
def number_to_power(protocol: Protocol, base: Number, exponent: Secret) -> Secret:
    """``exp(exponent * log(base))`` for a positive base."""
    if base <= 0:
        raise MisuseError(f"{base} to a secret power (at {caller_line()}): the base must be positive.")
    share, dtype = real(protocol, exponent)
    return Secret(protocol, exponential.exp(protocol, _multiple(protocol, share, math.log(base))), dtype)


def _multiple(protocol: Protocol, x: Share, factor: float) -> Share:
    return x if factor == 1 else scaled(protocol, x, factor)
