"""What one party holds of a secret: its parts, and the storage that all views of the secret have in common."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from weakref import WeakSet

from torch import Tensor

from tacit.errors import InternalError

T = TypeVar("T")

EVERYONE = -1
"""Stands where a rank stands when a value is known to all parties."""

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]
"""Size, stride and offset of a view within its storage."""

_tokens = itertools.count()


class Storage:
    """What all views of one secret share: the scale, who knows the value, and what was already found out about it.

    scale: fraction bits that the ring integers carry now. unit: fraction bits once settled; a storage with
    ``scale > unit`` is *pending*. boolean: parts are shares of bits (xor) rather than of ring integers. known_by: the
    rank of the only party that knows the value in the clear, ``EVERYONE``, or None. clear: that value, the whole
    storage as one flat tensor, where this party knows it. openings: masked openings of the value by view; they die
    when the ring integers change. facts: what is known about the value by view, as shares (sign bits); they die when
    the value is written to. tensors: how many were ever made that lie in it. origin: of what a pending value is a copy;
    copies: what is a copy of this. (token, epoch) names the ring integers for ever: a mask belongs to one such pair.
    """

    __slots__ = (
        *(
            "boolean",
            "clear",
            "copies",
            "epoch",
            "facts",
            "known_by",
            "openings",
            "origin",
            "scale",
            "tensors",
            "token",
        ),
        *("unit", "__weakref__"),
    )

    def __init__(self, scale: int, unit: int, boolean: bool = False) -> None:
        self.token = next(_tokens)
        self.epoch = 0
        self.scale = scale
        self.unit = unit
        self.boolean = boolean
        self.known_by: int | None = None
        self.clear: Tensor | None = None
        self.openings: dict[Any, Any] = {}
        self.facts: dict[Any, Any] = {}
        self.tensors = 0
        self.origin: Origin | None = None
        self.copies: WeakSet[Storage] = WeakSet()

    @property
    def pending(self) -> bool:
        """Whether a product still waits for its truncation."""
        return self.scale > self.unit

    def rescaled(self, scale: int) -> None:
        """The ring integers changed to another scale; the value did not."""
        self.scale = scale
        self.epoch += 1
        self.openings = {}

    def written(self) -> None:
        """The value changed: nothing that was known about it holds any more, and its masks retire."""
        self.epoch += 1
        self.openings = {}
        self.facts = {}
        self.known_by = None
        self.clear = None
        self.origin = None

    def __repr__(self) -> str:
        return f"<storage {self.token}, scale {self.scale}>"


class Share:
    """One party's part of a secret tensor, or of a view of one. How many parts there are is the protocol's affair."""

    __slots__ = ("parts", "storage")

    def __init__(self, parts: tuple[Tensor, ...], storage: Storage) -> None:
        self.parts = parts
        self.storage = storage

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the secret."""
        return tuple(self.parts[0].shape)

    @property
    def numel(self) -> int:
        """The number of elements."""
        return self.parts[0].numel()

    @property
    def scale(self) -> int:
        """The fraction bits carried now."""
        return self.storage.scale

    @property
    def geometry(self) -> Geometry:
        """Where this view lies within its storage."""
        part = self.parts[0]
        return tuple(part.shape), tuple(part.stride()), int(part.storage_offset())

    @property
    def storage_numel(self) -> int:
        """The number of elements of the whole storage."""
        part = self.parts[0]
        return part.untyped_storage().nbytes() // part.element_size()

    @property
    def clear(self) -> Tensor | None:
        """The value as ring integers, if this party knows it."""
        clear = self.storage.clear
        return None if clear is None else clear.as_strided(*self.geometry)

    def view(self, function: Callable[[Tensor], Tensor]) -> Share:
        """The view that ``function`` takes of every part."""
        return Share(tuple(function(part) for part in self.parts), self.storage)

    def whole(self) -> Share:
        """The whole storage as one flat share."""
        return self.view(flat)

    def __repr__(self) -> str:
        return f"<share of a secret, shape {self.shape}>"


class Origin(NamedTuple):
    """Of what a storage is a copy: each element is one of ``sources``, its negative or 0, as ``function`` puts them.

    function: from parts of the sources to a part of the whole storage.
    """

    function: Callable[..., Tensor]
    sources: tuple[Share, ...]


def flat(part: Tensor) -> Tensor:
    """The whole memory under ``part`` as one flat tensor."""
    return part.as_strided((part.untyped_storage().nbytes() // part.element_size(),), (1,), 0)


def owned(part: Tensor, *others: Tensor) -> Tensor:
    """``part`` as a tensor whose memory is its own: without gaps or overlaps, and shared with none of ``others``.

    A write into a storage retires the masks of that storage alone, so no other may lie in the same memory.
    """
    if not part.is_contiguous():
        return part.contiguous()
    memory = part.untyped_storage()
    apart = all(memory.data_ptr() != other.untyped_storage().data_ptr() for other in others)
    return part if apart and memory.nbytes() == part.numel() * part.element_size() else part.clone()


def required(value: T | None) -> T:
    """``value``, which must be there. Raises ``InternalError`` if it is not."""
    if value is None:
        raise InternalError("a value that this party must know is missing")
    return value
