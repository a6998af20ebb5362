"""Every result in the dtype and the strides that PyTorch gives it, the same at every party.

What PyTorch gives is asked of PyTorch: each operation is done on plain zeros once for arguments of one outline. (The
meta device would need no memory, but imports the compiler, and its strides are not always the CPU's.) A rule computes
values and need not think of either; what matters is that autograd, which looks at both, takes the same way everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.deferred import DeferredRelu

_MOST_KEPT = 8192

_aten = torch.ops.aten
_ALWAYS_CONTIGUOUS = {_aten.mm, _aten.bmm, _aten.addmm, _aten.baddbmm, _aten.addmv, _aten.mv, _aten.dot}
"""Products, which need not be asked, and take long to answer."""


class Outline(NamedTuple):
    """What a result looks like from outside."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


Outlines = tuple[Outline | None, ...]


class Answer(NamedTuple):
    """What PyTorch gives for plain zeros: the outlines of its results, or the error that it raises."""

    outlines: Outlines = ()
    refusal: Exception | None = None


_UNKNOWN = Answer()
_known: dict[Any, Answer] = {}


def conformed(kind: type[Any], op: OpOverload, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Any:
    """``result`` of ``op`` on secrets (of type ``kind``), with each tensor's dtype and strides as PyTorch has them.

    Free, and silent. Views and written tensors lie where they lie, and come back as they are.
    """
    single = isinstance(result, Tensor)
    if not makes_new(op) or not (single or isinstance(result, list | tuple)):
        return result
    values = [result] if single else list(result)
    outlines = outlines_of(op, args, kwargs)
    if len(outlines) != len(values):
        return result
    values = [_shaped(kind, value, outline) for value, outline in zip(values, outlines, strict=True)]
    return values[0] if single else type(result)(values)


@cache
def makes_new(op: OpOverload) -> bool:
    """Whether results are new tensors whose outline follows from those of the arguments."""
    new = all(one.alias_info is None for one in op._schema.returns)
    return new and torch.Tag.nondeterministic_seeded not in op.tags and op.overloadpacket not in _ALWAYS_CONTIGUOUS


def outlines_of(op: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Outlines:
    """What the results of ``op`` look like for arguments that look like these; empty if PyTorch does not say."""
    return answer_of(op, args, kwargs).outlines


def answer_of(op: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Answer:
    """What PyTorch gives for arguments that look like these."""
    try:
        key = (op, torch.get_default_dtype(), *map(_key, args), *((k, _key(v)) for k, v in kwargs.items()))
        found = _known.get(key)
    except TypeError:  # an argument that cannot be compared
        return _UNKNOWN
    if found is None:
        if len(_known) >= _MOST_KEPT:
            _known.clear()
        found = _known[key] = _asked(op, args, kwargs)
    return found


def _key(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape), value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return tuple(map(_key, value))
    return type(value), value


def _asked(op: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Answer:
    kwargs = {name: value for name, value in kwargs.items() if name != "device"}
    try:
        with torch.no_grad():
            out = op(*tree_map_only(Tensor, _zeros, tuple(args)), **tree_map_only(Tensor, _zeros, kwargs))
    except Exception as error:  # whatever it is, the rule's own answer stands
        return Answer(refusal=error.with_traceback(None))
    return Answer(tuple(_outline(value) for value in ([out] if isinstance(out, Tensor) else out)))


def _outline(value: Any) -> Outline | None:
    return Outline(tuple(value.shape), value.stride(), value.dtype) if isinstance(value, Tensor) else None


def _zeros(value: Tensor) -> Tensor:
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype).zero_()


def _shaped(kind: type[Any], value: Any, outline: Outline | None) -> Any:
    if outline is None or not isinstance(value, Tensor) or tuple(value.shape) != outline.shape:
        return value
    dtype = outline.dtype if outline.dtype.is_floating_point == value.dtype.is_floating_point else value.dtype
    dtype = value.dtype if torch.bool in (value.dtype, dtype) else dtype
    if not isinstance(value, kind):
        return value.to(dtype)
    if type(value) is not kind:  # an index that is not computed yet, always contiguous and int64
        return value
    secret: Any = value
    protocol, held = secret._protocol, secret._held
    if secret.stride() == outline.stride:
        return secret if secret.dtype == dtype else kind(protocol, held, dtype)
    if isinstance(held, DeferredRelu):
        held = held.of(protocol.apart(_laid_out(protocol, held.argument, outline.stride)))
    else:
        held = _laid_out(protocol, held, outline.stride)
    return kind(protocol, held, dtype)


def _laid_out(protocol: Protocol, share: Share, stride: Sequence[int]) -> Share:
    """The same value in dense memory with other strides; the signs that are known of it stay known."""
    order = sorted(range(len(stride)), key=lambda d: (-stride[d], d))
    places = [order.index(d) for d in range(len(stride))]

    def moved(x: Share) -> Share:
        out = protocol.copied(lambda part: part.permute(order), x)
        return out.view(lambda part: part.permute(places).as_strided(part.permute(places).shape, stride))

    dense = sum((n - 1) * step for n, step in zip(share.shape, stride, strict=True)) + 1 == share.numel
    if not dense:
        return share
    out = moved(share)
    for key, fact in list(share.storage.facts.items()):
        of_this = isinstance(key, tuple) and key[0] == share.geometry and isinstance(fact, Share)
        if of_this and fact.storage.boolean and fact.shape == share.shape:
            out.storage.facts[out.geometry, *key[1:]] = moved(fact)
    return out
