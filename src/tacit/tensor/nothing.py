"""Operations on tensors without elements: their results are known to everybody, and PyTorch tells them.

So no rule has to think of them, and what PyTorch refuses is refused in its own words, at every party.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from tacit.caller import caller_line
from tacit.errors import MisuseError
from tacit.protocols._base import Protocol
from tacit.ring.fixed_point import encode_public
from tacit.tensor.geometry import makes_new, outlines_of
from tacit.tensor.registry import short_name


def of_nothing(
    kind: type[Any],
    protocol: Protocol,
    op: OpOverload,
    tensors: Sequence[Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """What ``op`` gives if that follows from shapes and public numbers alone; None if it does not.

    Free. tensors: all of ``args`` and ``kwargs``, some of them secrets (of type ``kind``).
    Raises what PyTorch raises, and MisuseError for a result that is not a number.
    """
    sizes = [tensor.numel() for tensor in tensors if isinstance(tensor, kind)]
    if all(sizes) or not makes_new(op):
        return None
    if not any(sizes):
        return _computed(kind, protocol, op, args, kwargs)
    found = outlines_of(op, args, kwargs)
    if not found or not all(one is not None and 0 in one.shape for one in found):
        return None
    values = [_public(kind, protocol, torch.empty_strided(*one[:2], dtype=one.dtype)) for one in found if one]
    return values[0] if len(op._schema.returns) == 1 and len(values) == 1 else tuple(values)


def _computed(kind: type[Any], protocol: Protocol, op: OpOverload, args: Any, kwargs: dict[str, Any]) -> Any:
    def empty(secret: Tensor) -> Tensor:
        return torch.empty_strided(secret.shape, secret.stride(), dtype=secret.dtype)

    try:
        with torch.no_grad():
            out = op(*tree_map_only(kind, empty, args), **tree_map_only(kind, empty, kwargs))
    except NotImplementedError:  # it has no kernel of its own: the rule must do
        return None
    for value in [out] if isinstance(out, Tensor) else out if isinstance(out, list | tuple) else []:
        if isinstance(value, Tensor) and value.is_floating_point() and not bool(value.isfinite().all()):
            raise MisuseError(
                f"{short_name(op)} at {caller_line()} is of no elements, which in PyTorch gives {value.flatten()[0]}, "
                "and fixed point has only finite numbers. Leave empty tensors out before, by their shape."
            )
    return tree_map_only(Tensor, lambda value: _public(kind, protocol, value), out)


def _public(kind: type[Any], protocol: Protocol, value: Tensor) -> Any:
    """A plain value as a secret that everybody knows."""
    if value.dtype == torch.bool:
        return kind(protocol, protocol.public(value, 0), value.dtype)
    unit = protocol.settings.frac_bits if value.is_floating_point() else 0
    return kind(protocol, protocol.public(encode_public(value, unit), unit), value.dtype)
