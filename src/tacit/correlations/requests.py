"""What a protocol may ask a source for. A request names its kind, its parameters, the masks it is about and itself.

Every number in a request is public. Its outputs are fresh shares, drawn from streams that carry the request's own id;
masks come from earlier, so that a product of an old mask with a new one can be dealt at any time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from tacit.correlations.masks import Masks, MaskView
from tacit.correlations.streams import PLANES, Output, width_for
from tacit.ring import kernels
from tacit.ring.bilinear import Bilinear
from tacit.ring.bits import to_planes, unpack_bits, words
from tacit.ring.chunks import table_planes
from tacit.ring.conjunctions import subsets


@dataclass(frozen=True)
class Request(ABC):
    """One piece of correlated randomness. ``id`` is its own and names its output streams."""

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type[Request]]] = {}

    id: int

    def __init_subclass__(cls) -> None:
        Request.kinds[cls.kind] = cls

    @abstractmethod
    def outputs(self) -> tuple[Output, ...]:
        """The tensors that the source deals."""

    @abstractmethod
    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        """The values of the outputs, from the masks in the clear: the source's work. Fresh tensors of its own."""

    def ids(self) -> tuple[int, ...]:
        """Its own id and those of all masks that it names, in a fixed order."""
        return (self.id, *(view.id for view in self.views()))

    def views(self) -> tuple[MaskView, ...]:
        """The masks of ring integers that it names."""
        found: list[MaskView] = []
        for field in fields(self):
            value = getattr(self, field.name)
            found.extend(value if isinstance(value, tuple) else [value])
        return tuple(value for value in found if isinstance(value, MaskView))

    def renumbered(self, ids: tuple[int, ...]) -> Request:
        """The same request about other masks."""
        fresh = iter(ids[1:])
        changes: dict[str, Any] = {"id": ids[0]}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, MaskView):
                changes[field.name] = value.renumbered(next(fresh))
            elif isinstance(value, tuple) and value and isinstance(value[0], MaskView):
                changes[field.name] = tuple(view.renumbered(next(fresh)) for view in value)
        return replace(self, **changes)


@dataclass(frozen=True)
class Product(Request):
    """Shares of ``op(a, b)`` for two masks: the product of Beaver's triple (CRYPTO 1991)."""

    kind = "product"
    op: Bilinear
    left: MaskView
    right: MaskView

    def outputs(self) -> tuple[Output, ...]:
        return (Output(self.op.output_shape(self.left.size, self.right.size)),)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        return (self.op(masks.ring(self.left), masks.ring(self.right)),)


@dataclass(frozen=True)
class OwnedProduct(Request):
    """Shares of ``op(a, b)`` where b is ``owner``'s private mask and a lacks the owner's share, or the mirror image."""

    kind = "owned product"
    op: Bilinear
    left: MaskView
    right: MaskView
    owner: int
    owns_left: bool

    def outputs(self) -> tuple[Output, ...]:
        return (Output(self.op.output_shape(self.left.size, self.right.size)),)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        if self.owns_left:
            return (self.op(masks.private(self.left, self.owner), masks.ring(self.right, without=self.owner)),)
        return (self.op(masks.ring(self.left, without=self.owner), masks.private(self.right, self.owner)),)


@dataclass(frozen=True)
class Square(Request):
    """Shares of ``a * a``."""

    kind = "square"
    mask: MaskView

    def outputs(self) -> tuple[Output, ...]:
        return (Output(self.mask.size),)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        a = masks.ring(self.mask)
        return (a * a,)


@dataclass(frozen=True)
class Truncation(Request):
    """For r = -a mod 2**width: shares of ``r >> shift`` and of bit ``width - 1`` of r; shift > 0 or width < 64."""

    kind = "truncation"
    mask: MaskView
    width: int
    shift: int

    def outputs(self) -> tuple[Output, ...]:
        shape = (self.mask.count,)
        return Output(shape), Output(shape, top_width(self.width, self.shift))

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        shifted, top = _truncated(masks.ring(self.mask), self.width, self.shift)
        return (shifted, top)


@dataclass(frozen=True)
class Tables(Request):
    """For r = -a: shares of the tables ``[chunk of r <= v]`` of its ``low`` low bits, and the next bit if ``top``."""

    kind = "tables"
    mask: MaskView
    low: int
    top: bool

    def outputs(self) -> tuple[Output, ...]:
        return (Output((table_planes(self.low) + self.top, words(self.mask.count)), PLANES),)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        planes = to_planes(-masks.ring(self.mask).reshape(-1), self.low + self.top)
        dealt = planes.new_empty(self.outputs()[0].shape)
        kernels.prefix_tables(planes[: self.low], dealt[: table_planes(self.low)])
        dealt[table_planes(self.low) :] = planes[self.low :]
        return (dealt,)


@dataclass(frozen=True)
class Conjunctions(Request):
    """For ``variables`` fresh masks of bits at each of ``nodes`` places: shares of the products that monomials need."""

    kind = "conjunctions"
    nodes: int
    words: int
    variables: int
    monomials: tuple[tuple[int, ...], ...]

    @property
    def mask_shape(self) -> tuple[int, int, int]:
        """The shape of the masks of bits, which carry the request's own id."""
        return self.variables, self.nodes, self.words

    def outputs(self) -> tuple[Output, ...]:
        return (Output((len(subsets(self.monomials)), self.nodes, self.words), PLANES),)

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        bits = masks.bits(self.id, self.mask_shape)
        products: dict[tuple[int, ...], Tensor] = {(v,): bits[v] for v in range(self.variables)}
        for subset in subsets(self.monomials):
            products[subset] = products[subset[:-1]] & bits[subset[-1]]
        return (torch.stack([products[subset] for subset in subsets(self.monomials)]),)


@dataclass(frozen=True)
class Choice(Request):
    """For a fresh mask rho of bits: shares of rho as ring integers, and of ``rho * a`` for each mask of ``masks``."""

    kind = "choice"
    count: int
    masks: tuple[MaskView, ...]

    def outputs(self) -> tuple[Output, ...]:
        return tuple(Output((self.count,)) for _ in range(1 + len(self.masks)))

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        rho = _rho(masks, self.id, self.count)
        return (rho, *(rho * masks.ring(view).reshape(-1) for view in self.masks))


@dataclass(frozen=True)
class TruncatedChoice(Request):
    """For a fresh mask rho of bits and a truncation (s, top): shares of s, rho, rho * s, top and rho * top."""

    kind = "truncated choice"
    mask: MaskView
    width: int
    shift: int

    def outputs(self) -> tuple[Output, ...]:
        whole = Output((self.mask.count,))
        top = Output((self.mask.count,), top_width(self.width, self.shift))
        return whole, whole, whole, top, top

    def deal(self, masks: Masks) -> tuple[Tensor, ...]:
        shifted, top = _truncated(masks.ring(self.mask), self.width, self.shift)
        rho = _rho(masks, self.id, self.mask.count)
        return (shifted, rho, rho * shifted, top, rho * top)


def top_width(width: int, shift: int) -> int:
    """The width of the shares of the top bit: it is multiplied by ``2**(width - shift)``, which must be in the ring."""
    if not 0 < width - shift < 64:
        raise ValueError(f"no truncation of {width} bits by {shift}")
    return width_for(64 - (width - shift))


def _truncated(a: Tensor, width: int, shift: int) -> tuple[Tensor, Tensor]:
    r = -a.reshape(-1)
    low = r if width == 64 else r & ((1 << width) - 1)
    shifted = (low >> shift) & ((1 << (64 - shift)) - 1) if shift else low
    return shifted, (low >> (width - 1)) & 1


def _rho(masks: Masks, mask: int, count: int) -> Tensor:
    return unpack_bits(masks.bits(mask, (words(count),)), count).to(torch.int64)
