"""What an owner tells the others of its input before it is shared: shapes and types, or that it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
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

    @staticmethod
    def of(value: Tensor) -> Outline:
        """The outline of a plain tensor. Raises EncodingError for a type that cannot be secret."""
        if value.dtype not in TYPES.values():
            raise EncodingError(f"A secret cannot be {value.dtype}. Convert it to one of {', '.join(TYPES)} first.")
        return Outline(tuple(value.shape), value.dtype, value.requires_grad)

    def to_json(self) -> list[Any]:
        """A JSON value that ``from_json`` reads."""
        return [list(self.shape), str(self.dtype).removeprefix("torch."), self.requires_grad]

    @staticmethod
    def from_json(value: Any, owner: str) -> Outline:
        """Read what ``owner`` sent. Raises FrameError for anything that describes no tensor of a size that can be."""
        try:
            shape, dtype, requires_grad = value
            outline = Outline(tuple(shape), TYPES[dtype], requires_grad)
            legal = type(requires_grad) is bool and len(outline.shape) <= _MAX_DIMS
            legal = legal and all(type(n) is int and n >= 0 for n in outline.shape)
            legal = legal and math.prod(outline.shape) <= _MAX_ELEMENTS
        except (TypeError, ValueError, KeyError):
            legal = False
        if not legal:
            raise FrameError(f"'{owner}' sent something that describes no input.", owner)
        return outline


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
