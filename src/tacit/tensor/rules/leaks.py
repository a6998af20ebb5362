"""What would put a secret into public hands: refused, with the way to do it on purpose. What all know is answered."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves, tree_map_only

from tacit.caller import caller_line, caller_position
from tacit.errors import SecretLeakError
from tacit.protocols._base import Protocol
from tacit.tensor.caught import caught
from tacit.tensor.registry import rule, short_name
from tacit.tensor.secret import Secret, leak

aten = torch.ops.aten

_CHOOSE = "To choose without knowing, use torch.where(condition, x, y)."
_COMPARE = "To compare without knowing, (x == y).all() gives a secret bit."
_CHECK = "Check the plain value at its owner, before tacit.secret, and leave this check out."
_MASK = (
    "transformers looks into its input here, most often for padding, and does not where it is told: pass the model a "
    "public attention_mask (ones where a token counts, zeros at padding; all ones without padding)."
)

_VALUES: tuple[tuple[OpOverload, str, str], ...] = (
    (aten._local_scalar_dense.default, "item(), float(), int(), bool() or a condition on a secret", _CHOOSE),
    (aten.is_nonzero.default, "A condition on a secret", _CHOOSE),
    (aten.equal.default, "torch.equal()", _COMPARE),
    (aten.allclose.default, "torch.allclose()", _COMPARE),
)
_SHAPES: tuple[OpOverload, ...] = (
    aten.nonzero.default,
    aten._unique2.default,
    aten.unique_consecutive.default,
    aten.repeat_interleave.Tensor,
)


def _enter_value(op: OpOverload, what: str, instead: str) -> None:
    @rule(op, silent=True)
    def refuse(protocol: Protocol, *args: Any, **kwargs: Any) -> Any:
        if _all_know((args, kwargs)):
            return op(*_plain(args), **_plain(kwargs))
        return leak(what, _instead(instead))


def _enter_shape(op: OpOverload) -> None:
    @rule(op)
    def refuse(protocol: Protocol, *args: Any, **kwargs: Any) -> Any:
        if _all_know((args, kwargs)):
            return op(*_plain(args), **_plain(kwargs))
        raise SecretLeakError(
            f"{short_name(op)} at {caller_line()} would disclose something about a secret in the shape of its result. "
            "Keep the shape and choose with torch.where(condition, x, y), or reveal the condition with tacit.reveal."
        )


@caught(Tensor.__contains__)
def contains(x: Secret, element: Any) -> bool:
    """``element in x``."""
    if _all_know((x, element)):
        return _plain(element) in _plain(x)
    return leak("'in'", _instead("To ask without knowing, (x == value).any() gives a secret bit."))


def _all_know(values: Any) -> bool:
    """Whether every secret among ``values`` is one that everybody knows."""
    return all(leaf.public is not None for leaf in tree_leaves(values) if isinstance(leaf, Secret))


def _plain(values: Any) -> Any:
    """The same with plain tensors on the CPU in place of what everybody knows."""
    return tree_map_only(Tensor, lambda x: x.public if isinstance(x, Secret) else x.cpu(), values)


def _instead(usual: str) -> str:
    """What to do instead, by the line that asked."""
    filename, line = caller_position()
    if linecache.getline(filename, line).lstrip().startswith("assert "):
        return _CHECK
    if "transformers" in Path(filename).parts:
        return _MASK
    return usual


for _op, _what, _by in _VALUES:
    _enter_value(_op, _what, _by)
for _op in _SHAPES:
    _enter_shape(_op)
