"""Matrix products. Secret with secret: one round; with a public operand: free. All are left pending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.ring.bilinear import MATMUL, Bilinear
from tacit.tensor.operands import Number, Operand, number, public_operand, result_type, saturated, scaled, slimmed
from tacit.tensor.registry import rule
from tacit.tensor.rules.structural import lifted
from tacit.tensor.secret import Secret

aten = torch.ops.aten


def bilinear(protocol: Protocol, op: Bilinear, x: Secret | Tensor, y: Secret | Tensor, dtype: torch.dtype) -> Share:
    """``op(x, y)`` of secret and public operands."""
    return protocol.multiply(op, operand(protocol, x, dtype), operand(protocol, y, dtype))


def operand(protocol: Protocol, x: Secret | Tensor, dtype: torch.dtype) -> Share:
    """One operand of a product, with as few fraction bits as it needs if it is public."""
    return (
        slimmed(protocol, number(protocol, x, dtype)) if isinstance(x, Secret) else public_operand(protocol, x, dtype)
    )


@rule(aten.mm.default, aten.bmm.default, aten.mv.default, aten.dot.default, aten.vdot.default)
def matmul(protocol: Protocol, x: Secret | Tensor, y: Secret | Tensor) -> Secret:
    """(m, k) x (k, n): one round, 64 (mk + kn) bits; half of that if one party knows an operand."""
    dtype = result_type(x, y)
    return Secret(protocol, bilinear(protocol, MATMUL, x, y, dtype), dtype)


@rule(aten.addmm.default, aten.baddbmm.default, aten.addmv.default)
def addmm(
    protocol: Protocol, bias: Operand, x: Secret | Tensor, y: Secret | Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Secret:
    """``beta * bias + alpha * (x @ y)``: the cost of the product."""
    dtype = result_type(x, y)
    out = bilinear(protocol, MATMUL, x, y, dtype)
    if alpha != 1:
        out = scaled(protocol, out, alpha)
    return Secret(protocol, with_bias(protocol, out, bias, dtype, beta), dtype)


def with_bias(
    protocol: Protocol,
    out: Share,
    bias: Operand,
    dtype: torch.dtype,
    beta: Number = 1,
    shaped: Callable[[Tensor], Tensor] = lambda part: part,
) -> Share:
    """``out + beta * bias``, where ``shaped`` gives the bias the shape that broadcasts; free."""
    if beta == 0:
        return out
    share = lifted(protocol, saturated(protocol, bias), dtype)
    if beta != 1:
        share = scaled(protocol, share, beta)
    return protocol.add(out, share.view(shaped))


@rule(aten.addbmm.default)
def addbmm(protocol: Protocol, x: Any, a: Any, b: Any, *, beta: Number = 1, alpha: Number = 1) -> Any:
    """``beta * x + alpha * sum(a @ b)``: the cost of one product of matrices."""
    product = a.movedim(0, 1).reshape(a.shape[1], -1) @ b.reshape(-1, b.shape[2])
    return torch.add(product * alpha if alpha != 1 else product, x * beta if beta != 1 else x)


@rule(aten._trilinear.default)
def trilinear(
    protocol: Protocol,
    a: Any,
    b: Any,
    c: Any,
    expand1: Any,
    expand2: Any,
    expand3: Any,
    sumdim: Any,
    unroll_dim: int = 1,
) -> Any:
    """The sum of the products of three: two rounds of products."""
    for dims, which in ((expand1, 0), (expand2, 1), (expand3, 2)):
        for dim in dims:
            a, b, c = (x.unsqueeze(dim) if at == which else x for at, x in enumerate((a, b, c)))
    return (a * b * c).sum(list(sumdim))
