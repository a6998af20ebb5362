"""What would put a secret into public hands: refused, with the way to do it on purpose."""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch._ops import OpOverload

from tacit.caller import caller_line
from tacit.errors import SecretLeakError
from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule, short_name
from tacit.tensor.secret import leak

aten = torch.ops.aten

_VALUES: tuple[tuple[OpOverload, str], ...] = (
    (aten._local_scalar_dense.default, "item(), float(), int(), bool() or a condition on a secret"),
    (aten.is_nonzero.default, "A condition on a secret"),
    (aten.equal.default, "torch.equal()"),
    (aten.allclose.default, "torch.allclose()"),
)
_SHAPES: tuple[OpOverload, ...] = (
    aten.nonzero.default,
    aten._unique2.default,
    aten.unique_consecutive.default,
    aten.repeat_interleave.Tensor,
)


def _enter_value(op: OpOverload, what: str) -> None:
    @rule(op)
    def refuse(protocol: Protocol, *args: Any, **kwargs: Any) -> NoReturn:
        leak(what)


def _enter_shape(op: OpOverload) -> None:
    @rule(op)
    def refuse(protocol: Protocol, *args: Any, **kwargs: Any) -> NoReturn:
        raise SecretLeakError(
            f"{short_name(op)} at {caller_line()} would disclose something about a secret in the shape of its result. "
            "Keep the shape and choose with torch.where(condition, x, y), or reveal the condition with tacit.reveal."
        )


for _op, _what in _VALUES:
    _enter_value(_op, _what)
for _op in _SHAPES:
    _enter_shape(_op)
