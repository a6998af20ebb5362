"""What is the same for every protocol: sharing, revealing, scales, pending products, and who knows what in the clear.

A product is left *pending*, at the sum of its factors' scales; sums act on it for nothing, and its consumer settles it,
once. A value that one party (or everybody) knows needs no protocol: whoever knows it computes, and shares the result
by seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from tacit.errors import InternalError
from tacit.party import Party
from tacit.protocols import cleartext, copies
from tacit.protocols.primitives import Parts, Primitives
from tacit.protocols.share import EVERYONE, Share, Storage, flat, owned, required
from tacit.settings import Settings
from tacit.transport.channel import Channel

HEADROOM = 8
"""Fraction bits beyond two scales that a pending value may carry."""


class Sharing(Primitives):
    """Making, moving, writing, settling and revealing shares. Only settling and revealing talk to other parties."""

    def __init__(self, party: Party, settings: Settings, channel: Channel) -> None:
        super().__init__(party, settings, channel)
        self._pending: dict[int, Share] = {}

    @property
    def max_scale(self) -> int:
        """The most fraction bits that a value may carry."""
        return 2 * self.settings.frac_bits + HEADROOM

    # ---------------------------------------------------------------- making and revealing

    def share(
        self,
        value: Tensor | None,
        owner: int,
        shape: Sequence[int],
        unit: int,
        boolean: bool = False,
        moved: bool = False,
    ) -> Share:
        """Share a value of ring integers (or bits) that only ``owner`` holds; None elsewhere. Nothing is sent.

        moved: the caller gives the value away, so that no copy is needed.
        """
        kept = self._copied(value) if not moved or value is None else self.placed(value)
        return self._known(kept, owner, tuple(shape), Storage(unit, unit, boolean))

    def public(self, value: Tensor, unit: int, scale: int | None = None) -> Share:
        """A value that everybody knows, in the form of a share."""
        storage = Storage(unit if scale is None else scale, unit, value.dtype == torch.bool)
        return self._known(self._copied(value), EVERYONE, tuple(value.shape), storage)

    def reveal(self, x: Share, to: int | None) -> Tensor | None:
        """Disclose ``x``, settled, to one party or (None) to all; returns ring integers or bits, None elsewhere."""
        self.settle(x)
        if x.storage.known_by == EVERYONE:
            return self._copied(x.clear) if to is None or to == self.party.rank else None
        with self.metered("reveal"):
            return self._reveal(x, to)

    # ---------------------------------------------------------------- structure

    def linear(self, function: Callable[..., Tensor], *xs: Share) -> Share:
        """Apply a function that is linear over the ring (or over bits) to every part: cat, index, pad, sum."""
        xs = self._aligned(*xs)
        parts = tuple(owned(function(*column), *column) for column in zip(*(x.parts for x in xs), strict=True))
        first = xs[0].storage
        out = Share(parts, Storage(first.scale, max(x.storage.unit for x in xs), first.boolean))
        known_by = common_knowledge(xs)
        if known_by is not None:
            out.storage.known_by = known_by
            values = [x.clear for x in xs if x.clear is not None]
            if len(values) == len(xs):
                out.storage.clear = flat(owned(function(*values), *values))
        return self._passed_on(out, *xs)

    def copied(self, function: Callable[..., Tensor], *xs: Share) -> Share:
        """``linear`` where each element is one of xs, its negative or 0: a copy, which stays equal to its original."""
        out = self.linear(function, *xs)
        copies.link(out, function, xs)
        return out

    def apart(self, x: Share) -> Share:
        """A copy of x as it is, pending or not. Nobody settles it but who uses it."""
        out = self.linear(torch.clone, x)
        self._pending.pop(out.storage.token, None)
        return out

    def write(self, target: Share, source: Share) -> None:
        """Overwrite ``target`` (and so every view of its storage) with ``source`` of the same shape."""
        if target.storage.boolean != source.storage.boolean:
            raise InternalError("a bit and a number cannot be written into each other")
        whole = target.numel == target.storage_numel
        if not whole or source.storage.unit != target.storage.unit:
            self.settle(target, source)
            source = self.at_scale(source, target.scale)
        scale, known_by, value = source.scale, source.storage.known_by, source.clear
        value = None if value is None else value.clone()
        incoming = tuple(part.clone() for part in source.parts)
        was_known, old = target.storage.known_by, target.storage.clear
        copies.keep(target.storage, target.parts)
        for into, part in zip(target.parts, incoming, strict=True):
            into.copy_(part)
        target.storage.written()
        target.storage.scale = scale
        self._pending.pop(target.storage.token, None)
        if known_by is not None and (whole or known_by == was_known):
            target.storage.known_by = known_by
            if value is not None:
                target.storage.clear = value.new_empty(target.storage_numel) if old is None else old.clone()
                required(target.clear).copy_(value)
        copies.link(target, partial(copies.laid_out, target.geometry), (source,))
        self._passed_on(target, source)

    # ---------------------------------------------------------------- scale

    def at_scale(self, x: Share, scale: int) -> Share:
        """The same value carrying ``scale`` fraction bits, not fewer than now; local and exact."""
        lift = scale - x.scale
        if lift < 0:
            raise InternalError(f"cannot lower the scale from {x.scale} to {scale} without a truncation")
        if lift == 0:
            return x
        out = self.linear(lambda part: part << lift, x)
        out.storage.scale = scale
        return self._passed_on(out, x)

    def divide_by_power_of_two(self, x: Share, exponent: int) -> Share:
        """``x / 2**exponent``, exact: the same ring integers at a higher scale (``exponent`` may be negative)."""
        if exponent < 0:
            return self.linear(lambda part: part << -exponent, x)
        self.settle_above(x, self.max_scale - exponent)
        out = self.linear(torch.clone, x)
        out.storage.scale = x.scale + exponent
        return self._passed_on(out, x)

    def with_unit(self, x: Share, unit: int) -> Share:
        """``x`` as a value whose settled scale is ``unit`` (a whole number becomes fixed point), local and exact."""
        out = self.linear(torch.clone, x)
        out.storage.unit = unit
        return out if out.scale >= unit else self.at_scale(out, unit)

    def settle(self, *xs: Share) -> None:
        """Truncate what is pending, in place. All pending values of the session are settled in the same round."""
        if not any(x.storage.pending for x in xs):
            return
        waiting, copied = copies.told_apart(x for x in (*xs, *self._pending.values()) if x.storage.pending)
        self._pending.clear()
        known = [x for x in waiting if x.storage.known_by is not None]
        secret = [x for x in waiting if x.storage.known_by is None]
        for x in known:
            self._settle_known(x)
        if secret:
            shifts = [x.storage.scale - x.storage.unit for x in secret]
            with self.metered("truncate"):
                settled = self._truncate(secret, shifts)
            for x, parts in zip(secret, settled, strict=True):
                _overwrite(x, parts)
        for x in copied:
            _overwrite(x, copies.made_again(x))

    def settle_above(self, x: Share, scale: int) -> None:
        """Settle ``x`` if it carries more than ``scale`` fraction bits."""
        if x.scale > scale:
            self.settle(x)

    # ---------------------------------------------------------------- inside

    def _known(self, value: Tensor | None, known_by: int, shape: tuple[int, ...], storage: Storage) -> Share:
        """A share of a value that one party or everybody knows."""
        storage.known_by = known_by
        if value is not None:
            value = owned(value)
            storage.clear = flat(value)
        if known_by == EVERYONE:
            return Share(self._constant(required(value)), storage)
        return Share(self._input(value, known_by, shape, storage.boolean), storage)

    def _copied(self, value: Tensor | None) -> Tensor | None:
        """A copy where the shares lie: the caller may write into its own tensor later, and must change nothing here."""
        if value is None or value.device == self.device:
            return None if value is None else value.clone(memory_format=torch.contiguous_format)
        return value.contiguous().to(self.device)

    def _known_like(self, x: Share, function: Callable[[Tensor], Tensor], storage: Storage) -> Share:
        """``function`` of a known ``x``, elementwise, computed by those who know it."""
        value = None if x.clear is None else function(x.clear)
        return self._known(value, required(x.storage.known_by), x.shape, storage)

    def _settle_known(self, x: Share) -> None:
        storage = x.storage
        shift = storage.scale - storage.unit
        value = None if x.clear is None else cleartext.round_shift(x.clear, shift)
        settled = self._known(value, required(storage.known_by), x.shape, Storage(storage.unit, storage.unit))
        _overwrite(x, settled.parts)
        storage.clear = settled.storage.clear

    def _aligned(self, *xs: Share) -> tuple[Share, ...]:
        if len(xs) == 1:
            return xs
        if any(x.storage.pending for x in xs) and any(x.storage.unit != xs[0].storage.unit for x in xs):
            self.settle(*xs)
        scale = max(x.scale for x in xs)
        return tuple(self.at_scale(x, scale) for x in xs)

    def _passed_on(self, out: Share, *sources: Share) -> Share:
        """A pending value that went into ``out`` need not be settled by others' rounds; ``out`` may."""
        for x in sources:
            if x.storage is not out.storage:
                self._pending.pop(x.storage.token, None)
        return self._registered(out)

    def _registered(self, out: Share) -> Share:
        if out.storage.pending:
            self._pending[out.storage.token] = out.whole()
        return out


def common_knowledge(xs: Sequence[Share]) -> int | None:
    """Who knows all of ``xs`` in the clear: a rank, ``EVERYONE`` or nobody (None)."""
    owners = {x.storage.known_by for x in xs}
    if owners == {EVERYONE}:
        return EVERYONE
    owners.discard(EVERYONE)
    return owners.pop() if len(owners) == 1 else None


def _overwrite(x: Share, parts: Parts) -> None:
    """Put the settled ring integers where the pending ones were, so that all views see them."""
    for into, part in zip(x.parts, parts, strict=True):
        into.copy_(part.view_as(into))
    x.storage.rescaled(x.storage.unit)
