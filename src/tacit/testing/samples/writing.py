"""Samples of in-place operations, also through views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tacit.testing.samples._base import Sample, bits, real, sample, whole


def inplace() -> list[Sample]:
    """Each operation writes into a copy of its first input; then a view of that copy is written to as well."""
    x, y, row, columns = real(3, 4), real(3, 4), real(4), torch.tensor([[0, 1, 2, 3]])
    operations: dict[str, tuple[Callable[..., Any], tuple[Tensor, ...]]] = {
        "add_": (lambda x, y: x.add_(y, alpha=-0.1), (y,)),
        "add_ a number": (lambda x: x.add_(1.5), ()),
        "add_ scalar overload": (lambda x: torch.ops.aten.add_.Scalar(x, 2), ()),
        "sub_": (lambda x, y: x.sub_(y), (row,)),
        "sub_ scalar overload": (lambda x: torch.ops.aten.sub_.Scalar(x, 2), ()),
        "mul_": (lambda x, y: x.mul_(y), (row,)),
        "mul_ scalar overload": (lambda x: torch.ops.aten.mul_.Scalar(x, 2), ()),
        "div_": (lambda x: x.div_(3), ()),
        "div_ scalar overload": (lambda x: torch.ops.aten.div_.Scalar(x, 2), ()),
        "neg_": (lambda x: x.neg_(), ()),
        "pow_": (lambda x: x.pow_(2), ()),
        "lerp_": (lambda x, y: x.lerp_(y, 0.25), (y,)),
        "lerp_ by a tensor": (lambda x, y: x.lerp_(y, torch.tensor(0.25)), (y,)),
        "addcmul_": (lambda x, y: x.addcmul_(y, y, value=0.5), (y,)),
        "addcdiv_": (lambda x, y: x.addcdiv_(y, torch.tensor(4.0)), (y,)),
        "addmm_": (lambda x, y: x.addmm_(y, torch.ones(4, 4)), (y,)),
        "relu_": (torch.relu_, ()),
        "leaky_relu_": (lambda x: torch.nn.functional.leaky_relu_(x, 0.3), ()),
        "hardtanh_": (lambda x: torch.nn.functional.hardtanh_(x), ()),
        "clamp_": (lambda x: x.clamp_(-1, 1), ()),
        "clamp_min_": (lambda x: torch.clamp_min_(x, 0.5), ()),
        "clamp_max_": (lambda x: torch.clamp_max_(x, 0.5), ()),
        "abs_": (lambda x: x.abs_(), ()),
        "sign_": (lambda x: x.sign_(), ()),
        "masked_fill_": (lambda x: x.masked_fill_(x > 0, 0.5), ()),
        "masked_fill_ tensor": (lambda x: x.masked_fill_(x > 0, torch.tensor(0.5)), ()),
        "index_put_": (lambda x, y: x.index_put_((torch.tensor([1, 2]),), y), (real(2, 4),)),
        "index_add_": (lambda x, y: x.index_add_(0, torch.tensor([1, 1]), y), (real(2, 4),)),
        "scatter_": (lambda x, y: x.scatter_(1, columns, y), (real(1, 4),)),
        "scatter_ a number": (lambda x: x.scatter_(1, columns, 2.5), ()),
        "scatter_add_": (lambda x, y: x.scatter_add_(1, columns, y), (real(1, 4),)),
        "tril_": (lambda x: x.tril_(), ()),
        "triu_": (lambda x: x.triu_(), ()),
        "cumsum_": (lambda x: x.cumsum_(0), ()),
        "copy_": (lambda x, y: x.copy_(y), (row,)),
        "copy_ of another type": (lambda x: x.copy_(torch.tensor([1, 2, 3, 4])), ()),
        "fill_": (lambda x: x.fill_(0.7), ()),
        "fill_ a tensor": (lambda x: x.fill_(torch.tensor(0.7)), ()),
        "zero_": (lambda x: x.zero_(), ()),
        "set slice": (lambda x, y: x.__setitem__((slice(None), slice(1, 3)), y), (real(3, 2),)),
        "set a number": (lambda x: x.__setitem__(1, 7.0), ()),
        "set by index": (lambda x, y: x.__setitem__(torch.tensor([0, 2]), y), (real(2, 4),)),
        "set by mask": (lambda x: x.__setitem__(torch.tensor([True, False, True]), 0.0), ()),
    }
    samples = []
    for name, (operation, others) in operations.items():
        public = range(1, 1 + len(others))
        samples.append(sample(name, _on_copy(operation), x, *others, public=public, gradient=False, units=4))
        samples.append(
            sample(f"{name} in a view", _on_view(operation), x, *others, public=public, gradient=False, units=4)
        )
    return [*samples, *_with_gradients(x, y), *_on_bits(), *_others()]


def _on_copy(operation: Callable[..., Any]) -> Callable[..., Tensor]:
    def run(x: Tensor, *others: Tensor) -> Tensor:
        target = x.clone()
        operation(target, *others)
        return target

    return run


def _on_view(operation: Callable[..., Any]) -> Callable[..., Tensor]:
    """The same in the middle of a larger tensor, which is what is compared."""

    def run(x: Tensor, *others: Tensor) -> Tensor:
        base = torch.stack([x, x, x]).transpose(1, 2)
        operation(base[1].t(), *others)
        return base

    return run


def _with_gradients(x: Tensor, y: Tensor) -> list[Sample]:
    def through_a_view(x: Tensor, y: Tensor) -> Tensor:
        z = x * 2
        z[1:].mul_(y[1:])
        return z * x

    def assigned(x: Tensor, y: Tensor) -> Tensor:
        z = x.clone()
        z[:, 1] = y[:, 0]
        return z * z

    return [
        sample("mul_ through a view", through_a_view, x, y, public=[1], units=40),
        sample("assignment", assigned, x, y, public=[1], units=40),
        sample("relu_ with gradient", lambda x: torch.relu_(x * 2), x),
    ]


def _on_bits() -> list[Sample]:
    def on_copy(operation: Callable[..., Any]) -> Callable[..., Tensor]:
        def run(b: Tensor, *others: Tensor) -> Tensor:
            target = b.clone()
            operation(target, *others)
            return target

        return run

    b, c = bits(3, 4), bits(4)
    return [
        *(
            sample(name, on_copy(lambda b, c, name=name: getattr(b, name)(c)), b, c, public=[1], gradient=False)
            for name in ("logical_and_", "logical_or_", "logical_xor_", "bitwise_and_", "bitwise_or_", "bitwise_xor_")
        ),
        sample("logical_not_", on_copy(lambda b: b.logical_not_()), b, gradient=False),
        sample("bitwise_not_", on_copy(lambda b: b.bitwise_not_()), b, gradient=False),
        sample("set bits", on_copy(lambda b: b.__setitem__(slice(0, 1), True)), b, gradient=False),
    ]


def _others() -> list[Sample]:
    def addmv(x: Tensor, m: Tensor) -> Tensor:
        return x.clone().addmv_(m, torch.ones(4))

    def baddbmm(x: Tensor, y: Tensor) -> Tensor:
        return x.clone().baddbmm_(y, torch.ones(2, 3, 4))

    def on_lists(operation: Callable[..., Any]) -> Callable[..., list[Tensor]]:
        def run(x: Tensor, y: Tensor) -> list[Tensor]:
            targets = [x * 2, y.clone(), x[0] + 1]
            result = operation(targets, [y, x, y[1]])
            return [*targets, *(result or [])]

        return run

    lists: dict[str, Callable[..., Any]] = {
        "foreach add": lambda xs, ys: torch._foreach_add(xs, ys, alpha=0.3),
        "foreach add_": lambda xs, ys: torch._foreach_add_(xs, ys, alpha=-0.3),
        "foreach add a number": lambda xs, ys: torch._foreach_add(xs, 1.5),
        "foreach add_ a number": lambda xs, ys: torch._foreach_add_(xs, 1.5),
        "foreach sub": torch._foreach_sub,
        "foreach sub_": torch._foreach_sub_,
        "foreach mul": torch._foreach_mul,
        "foreach mul_": torch._foreach_mul_,
        "foreach mul a number": lambda xs, ys: torch._foreach_mul(xs, 0.9),
        "foreach mul_ a number": lambda xs, ys: torch._foreach_mul_(xs, 0.9),
        "foreach mul a tensor": lambda xs, ys: torch._foreach_mul(xs, torch.tensor(0.5)),
        "foreach mul_ a tensor": lambda xs, ys: torch._foreach_mul_(xs, torch.tensor(0.5)),
        "foreach neg": lambda xs, ys: torch._foreach_neg(xs),
        "foreach neg_": lambda xs, ys: torch._foreach_neg_(xs),
        "foreach clamp_min_": lambda xs, ys: torch._foreach_clamp_min_(xs, -1.0),
        "foreach clamp_max_": lambda xs, ys: torch._foreach_clamp_max_(xs, 1.0),
        "foreach zero_": lambda xs, ys: torch._foreach_zero_(xs),
    }
    x, y = real(3, 4), real(3, 4)
    return [
        *(sample(name, on_lists(op), x, y, public=[], gradient=False, units=4) for name, op in lists.items()),
        sample("addmv_", addmv, real(3), real(3, 4), public=[1], gradient=False),
        sample("baddbmm_", baddbmm, real(2, 3, 4), real(2, 3, 3), public=[1], gradient=False),
        sample("add_ integers", lambda n, m: n.clone().add_(m), whole(3), whole(3), public=[1], gradient=False),
    ]
