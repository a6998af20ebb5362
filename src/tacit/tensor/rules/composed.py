"""What PyTorch composes of other operations, by its own compositions: each of those has its rule.

Only compositions that the comparison with PyTorch's table of operators has found right are entered here; where one of
our own takes fewer rounds or has a smaller error, it stands in another file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._decomp import decomposition_table
from torch._ops import OpOverload

from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule

aten = torch.ops.aten

_PLACING = (
    "alias_copy as_strided_copy diagonal_copy expand_copy narrow_copy permute_copy "
    "split_with_sizes_copy squeeze_copy squeeze_copy.dim squeeze_copy.dims t_copy transpose_copy.int "
    "unbind_copy.int unfold_copy unsqueeze_copy view_copy block_diag _chunk_cat rot90 take index_copy "
    "select_scatter slice_scatter unsafe_split.Tensor unsafe_split_with_sizes unsafe_chunk fill.Scalar fill.Tensor "
    "im2col col2im reflection_pad1d reflection_pad2d reflection_pad3d reflection_pad1d_backward "
    "reflection_pad2d_backward reflection_pad3d_backward "
    "max_unpool2d max_unpool3d _unsafe_masked_index _unsafe_masked_index_put_accumulate "
)
_COMPUTING = (
    "addr clamp.Tensor count_nonzero count_nonzero.dim_IntList deg2rad huber_loss "
    "huber_loss_backward isinf isneginf isposinf ldexp.Tensor linalg_cross logaddexp logaddexp2 mish "
    "norm.ScalarOpt_dim norm.ScalarOpt_dim_dtype norm.Scalar native_dropout_backward "
    "rad2deg smooth_l1_loss smooth_l1_loss_backward softshrink mish_backward "
    "nansum renorm"
)


def _overload(name: str) -> OpOverload | None:
    packet, _, overload = name.partition(".")
    found: OpOverload | None = getattr(getattr(aten, packet, None), overload or "default", None)
    return found


def _enter(op: OpOverload) -> None:
    composition: Callable[..., Any] = decomposition_table[op]

    @rule(op)
    def composed(protocol: Protocol, *args: Any, **kwargs: Any) -> Any:
        return composition(*args, **kwargs)


for _name in (*_PLACING.split(), *_COMPUTING.split()):
    _op = _overload(_name)
    if _op in decomposition_table:
        _enter(_op)
