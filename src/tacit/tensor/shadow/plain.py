"""An operation as PyTorch does it, on plain values in float64, in place of the secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map

from tacit.protocols._base import Protocol
from tacit.tensor.operands import saturated
from tacit.tensor.registry import short_name
from tacit.tensor.secret import Secret

_MASKING = {"where", "masked_fill", "add", "sub", "rsub", "addmm", "baddbmm", "addmv"}
"""Operations whose public operands may be masks of minus infinities, which stand for something finite here."""

_EXACT = {"eq", "ne"}
"""Operations to which every digit of a public real counts, so that it must be rounded as secrets are."""

_UNWRITTEN = {"empty_like", "new_empty", "new_empty_strided"}
"""What PyTorch leaves as it is in memory, and secrets begin with zero."""


def wide(dtype: torch.dtype) -> torch.dtype:
    """What holds the plain value of a secret of type ``dtype``: float64 for all reals."""
    return torch.float64 if dtype.is_floating_point else dtype


def arguments(
    protocol: Protocol, op: OpOverload, values: Any, held: Callable[[Secret], Tensor], noise: Callable[[Tensor], Tensor]
) -> Any:
    """``values`` with plain tensors instead of secrets, and all reals in float64.

    noise: what is done to public reals, which a rule holds with few digits.
    """
    name = short_name(op).rstrip("_")
    masking, exact = name in _MASKING, name in _EXACT
    frac_bits = protocol.settings.frac_bits

    def plain(value: Any) -> Any:
        if isinstance(value, Secret):
            return held(value)
        if isinstance(value, torch.dtype):
            return wide(value)
        if not isinstance(value, Tensor):
            if isinstance(value, float) and exact:
                return float(_rounded(torch.tensor(value, dtype=torch.float64), frac_bits))
            return saturated(protocol, value) if masking and isinstance(value, float) else value
        value = value.detach()
        if not value.dtype.is_floating_point:
            return value
        if exact:
            return _rounded(value.double(), frac_bits)
        return noise((saturated(protocol, value) if masking else value).double())

    return tree_map(plain, values)


def _rounded(value: Tensor, frac_bits: int) -> Tensor:
    return (value * 2.0**frac_bits).round() * 2.0**-frac_bits


def computed(op: OpOverload, args: Any, kwargs: dict[str, Any]) -> Any:
    """What ``op`` gives. Raises what PyTorch raises."""
    kwargs = {name: value for name, value in kwargs.items() if name != "device"}
    try:
        out = op(*args, **kwargs)
    except Exception:  # not on the CPU, or not with what is kept for the gradient there
        from torch._decomp import decomposition_table

        if op not in decomposition_table:
            raise
        out = decomposition_table[op](*args, **kwargs)
    return out.zero_() if short_name(op) in _UNWRITTEN else out


def writes(op: OpOverload) -> tuple[int, ...]:
    """The positions of the arguments that ``op`` writes to."""
    if short_name(op) == "native_batch_norm":  # the running statistics, which its schema does not tell of
        return (3, 4)
    arguments = enumerate(op._schema.arguments)
    return tuple(i for i, a in arguments if a.alias_info is not None and a.alias_info.is_write)


def is_view(op: OpOverload) -> bool:
    """Whether ``op`` gives the memory of its argument in another shape."""
    returns = op._schema.returns
    return bool(returns) and all(r.alias_info is not None and not r.alias_info.is_write for r in returns)
