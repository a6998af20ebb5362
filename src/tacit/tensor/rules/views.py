"""Views: the same memory in another shape. Every rule takes the same view of every part of the share; all are free."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._mode_utils import no_dispatch

from tacit.protocols._base import Protocol
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret

aten = torch.ops.aten

_VIEWS: tuple[OpOverload, ...] = (
    aten.view.default,
    aten._unsafe_view.default,
    aten._reshape_alias.default,
    aten.as_strided.default,
    aten.t.default,
    aten.transpose.int,
    aten.permute.default,
    aten.expand.default,
    aten.squeeze.default,
    aten.squeeze.dim,
    aten.squeeze.dims,
    aten.unsqueeze.default,
    aten.slice.Tensor,
    aten.select.int,
    aten.unfold.default,
    aten.diagonal.default,
)
_LISTS_OF_VIEWS: tuple[OpOverload, ...] = (
    aten.split.Tensor,
    aten.split_with_sizes.default,
    aten.unbind.int,
)

_IN_PLACE: tuple[tuple[OpOverload, OpOverload], ...] = (
    (aten.squeeze_.default, aten.squeeze.default),
    (aten.squeeze_.dim, aten.squeeze.dim),
    (aten.squeeze_.dims, aten.squeeze.dims),
    (aten.unsqueeze_.default, aten.unsqueeze.default),
    (aten.transpose_.default, aten.transpose.int),
    (aten.t_.default, aten.t.default),
    (aten.as_strided_.default, aten.as_strided.default),
)
"""What gives a tensor another outline, and the view that this is of what it was."""


def _enter_in_place(op: OpOverload, view: OpOverload) -> None:
    @rule(op)
    def reshaped(protocol: Protocol, x: Secret, *args: Any, **kwargs: Any) -> Secret:
        x._held = x._share.view(lambda part: view(part, *args, **kwargs))
        with no_dispatch():  # the outline itself: what PyTorch knows of the tensor
            op(x, *args, **kwargs)
        return x


def _enter(op: OpOverload) -> None:
    @rule(op)
    def view(protocol: Protocol, x: Secret, *args: Any, **kwargs: Any) -> Secret:
        return x.viewed(lambda part: op(part, *args, **kwargs))


def _enter_list(op: OpOverload) -> None:
    @rule(op)
    def views(protocol: Protocol, x: Secret, *args: Any, **kwargs: Any) -> list[Secret]:
        def one(part: Tensor, index: int) -> Tensor:
            views: list[Tensor] = op(part, *args, **kwargs)
            return views[index]

        count = len(op(x._share.parts[0], *args, **kwargs))
        return [x.viewed(partial(one, index=index)) for index in range(count)]


@rule(aten.detach.default, aten.alias.default, silent=True)
def same(protocol: Protocol, x: Secret) -> Secret:
    """The same memory, so that what is known about the value (its signs) is known of both."""
    return x.aliased()


for _op in _VIEWS:
    _enter(_op)
for _op in _LISTS_OF_VIEWS:
    _enter_list(_op)
for _op, _view in _IN_PLACE:
    _enter_in_place(_op, _view)
