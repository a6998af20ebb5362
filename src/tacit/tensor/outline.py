"""What an owner tells the others of its input before it is shared: shapes and types, or that it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import EncodingError, FrameError, InputRefusedError, TacitError
from tacit.protocols._base import Protocol

TYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
        *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool),
    )
}
_LIMIT = 1 << 24
_MAX_DIMS = 64
_MAX_ELEMENTS = 1 << 33
_REFUSED = {"refused": True}

_T = TypeVar("_T")


class Outline(NamedTuple):
    """All that the others learn of a secret."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    requires_grad: bool
    stride: tuple[int, ...]

    @staticmethod
    def of(value: Tensor) -> Outline:
        """The outline of a plain tensor's clone: dense, in the order in which its dimensions lie in memory.

        Raises EncodingError for a type that cannot be secret.
        """
        if value.dtype not in TYPES.values():
            raise EncodingError(f"A secret cannot be {value.dtype}. Convert it to one of {', '.join(TYPES)} first.")
        stride = torch.empty_like(value).stride()
        return Outline(tuple(value.shape), value.dtype, value.requires_grad, stride)

    def to_json(self) -> list[Any]:
        """A JSON value that ``from_json`` reads."""
        return [list(self.shape), str(self.dtype).removeprefix("torch."), self.requires_grad, list(self.stride)]

    @staticmethod
    def from_json(value: Any, owner: str) -> Outline:
        """Read what ``owner`` sent. Raises FrameError for anything that describes no tensor of a size that can be."""
        try:
            shape, dtype, requires_grad, stride = value
            outline = Outline(tuple(shape), TYPES[dtype], requires_grad, tuple(stride))
            legal = type(requires_grad) is bool and len(outline.shape) <= _MAX_DIMS
            legal = legal and all(type(n) is int and n >= 0 for n in outline.shape)
            legal = legal and math.prod(outline.shape) <= _MAX_ELEMENTS
            legal = legal and _is_dense(outline.shape, outline.stride)
        except (TypeError, ValueError, KeyError):
            legal = False
        if not legal:
            raise FrameError(f"'{owner}' sent something that describes no input.", owner)
        return outline


def _is_dense(shape: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether these are the strides of a tensor that fills its memory, in any order of its dimensions."""
    if len(shape) != len(stride) or not all(type(step) is int and 0 <= step <= _MAX_ELEMENTS for step in stride):
        return False
    reach = 1
    for step, size in sorted((step, size) for step, size in zip(stride, shape, strict=True) if size != 1):
        if step != reach and 0 not in shape:
            return False
        reach *= size
    return True


def announce(protocol: Protocol, prepare: Callable[[], tuple[Any, _T]]) -> _T:
    """At the owner: tell the others what ``prepare`` gives first, return what it gives second.

    If it raises, the others learn that the owner refuses, and nothing else; it raises on once they have heard.
    """
    party, channel = protocol.party, protocol.channel
    try:
        content, result = prepare()
    except Exception:
        for rank in party.others():
            channel.send_object(rank, _REFUSED)
        with suppress(TacitError):  # another party may end the session before all have answered
            for rank in party.others():
                channel.receive_object(rank)
        raise
    for rank in party.others():
        channel.send_object(rank, content)
    return result


def heard(protocol: Protocol, owner: str) -> Any:
    """Elsewhere: what the owner announces. Raises InputRefusedError."""
    rank = protocol.party.names.index(owner)
    content = protocol.channel.receive_object(rank, _LIMIT)
    if isinstance(content, Mapping) and content == _REFUSED:
        protocol.channel.send_object(rank, "heard")
        raise InputRefusedError(
            f"'{owner}' refused its own input to tacit.secret at {caller_line()}; only it knows why.", owner
        )
    return content
