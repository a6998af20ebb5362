"""The abstract protocol: arithmetic on secrets as every layer above sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from tacit.protocols import cleartext
from tacit.protocols.elementary import Elementary
from tacit.protocols.share import EVERYONE, Share, Storage, owned, required
from tacit.protocols.sharing import common_knowledge
from tacit.ring.bilinear import MUL, Bilinear

POSITIVE = "positive"
"""The fact ``[x > 0]``, which holds at every scale."""


class Protocol(Elementary):
    """Sums, products, comparison and choice. Every party calls the same methods in the same order.

    A protocol implements the primitives; what is known in the clear to all operands' owners never reaches them.
    """

    # ---------------------------------------------------------------- sums

    def add(self, x: Share, y: Share) -> Share:
        """``x + y`` with broadcasting; local."""
        return self.linear(torch.add, x, y)

    def sub(self, x: Share, y: Share) -> Share:
        """``x - y`` with broadcasting; local."""
        return self.linear(torch.sub, x, y)

    def neg(self, x: Share) -> Share:
        """``-x``; local."""
        return self.copied(torch.neg, x)

    # ---------------------------------------------------------------- products

    def times_public(self, x: Share, value: Tensor, scale: int, unit: int | None = None) -> Share:
        """``x`` times public ring integers of the given scale, with broadcasting; local, left pending."""
        if scale:
            self.settle_above(x, self.max_scale - scale)
        value = self.placed(value)
        out = self.linear(lambda part: part * value, x)
        out.storage.scale = x.scale + scale
        out.storage.unit = x.storage.unit if unit is None else unit
        return self._passed_on(out, x)

    def multiply(self, op: Bilinear, x: Share, y: Share, modular: bool = False) -> Share:
        """A bilinear product (elementwise, matrix, convolution and its two gradients), left pending.

        It must stay within ``|.| < 2**62`` as a ring integer, unless the caller says that it is meant ``modular``.
        The cost depends on who knows what: nothing at all if both are known to one party or one is known to
        everybody, half of the traffic if one operand is known to one party, and the full cost otherwise.
        """
        shape = op.output_shape(x.shape, y.shape)  # refuses what does not fit before anything is sent
        public = EVERYONE in (x.storage.known_by, y.storage.known_by)
        if not public or x.scale + y.scale > self.max_scale:
            self.settle(x, y)
        if not modular:
            self._check_product(op, x, y)
        scale, unit = x.scale + y.scale, max(x.storage.unit, y.storage.unit)
        storage = Storage(scale, unit)
        knower = common_knowledge((x, y))
        if knower is not None:
            value = None if x.clear is None or y.clear is None else op(x.clear, y.clear)
            return self._registered(self._known(value, knower, shape, storage))
        if x.storage.known_by == EVERYONE:
            parts = tuple(owned(op(required(x.clear), part)) for part in y.parts)
        elif y.storage.known_by == EVERYONE:
            parts = tuple(owned(op(part, required(y.clear))) for part in x.parts)
        else:
            with self.metered(op.name):
                parts = self._multiply(op, x, y)
        return self._passed_on(Share(parts, storage), x, y)

    def square(self, x: Share, modular: bool = False) -> Share:
        """``x * x``, left pending; see ``multiply``."""
        self.settle(x)
        if not modular:
            self._check_product(MUL, x, x)
        storage = Storage(2 * x.scale, x.storage.unit)
        if x.storage.known_by is not None:
            value = None if x.clear is None else x.clear * x.clear
            return self._registered(self._known(value, x.storage.known_by, x.shape, storage))
        with self.metered("square"):
            return self._registered(Share(self._square(x), storage))

    # ---------------------------------------------------------------- comparison and choice

    def compare(self, x: Share, thresholds: Sequence[int]) -> list[Share]:
        """The bits ``[x >= t]`` for public ring integers ``t`` at the scale of ``x``; one opening serves them all."""
        facts, key = x.storage.facts, (x.geometry, x.scale)
        wanted = [t for t in dict.fromkeys(thresholds) if (*key, t) not in facts]
        if wanted:
            if x.storage.known_by is not None:
                found = [self._known_like(x, partial(torch.ge, other=t), Storage(0, 0, True)) for t in wanted]
            else:
                with self.metered("compare"):
                    found = self._compare(x, wanted)
            facts.update({(*key, t): bits for t, bits in zip(wanted, found, strict=True)})
        return [facts[*key, t] for t in thresholds]

    def equals_zero(self, x: Share) -> Share:
        """The bit ``[x == 0]``, after settling."""
        self.settle(x)
        if x.storage.known_by is not None:
            return self._known_like(x, lambda value: value == 0, Storage(0, 0, True))
        with self.metered("equals_zero"):
            return self._equals_zero(x)

    def relu(self, x: Share, settle: bool = True) -> Share:
        """``max(x, 0)``; a pending ``x`` is truncated in the same opening unless ``settle`` is False.

        The bits ``[x > 0]`` stay with the argument and the result as a fact, for the gradient.
        """
        if settle and (x.storage.known_by is not None or self.settings.truncation == "exact"):
            self.settle(x)
        shift = x.scale - x.storage.unit if settle and x.storage.pending else 0
        if x.storage.known_by is not None:
            bits = self.compare(x, [1])[0]
            out = self._known_like(x, lambda value: value.clamp(min=0), Storage(x.scale, x.storage.unit))
        else:
            with self.metered("relu"):
                parts, bits = self._relu(x, shift)
            out = Share(parts, Storage(x.scale - shift, x.storage.unit))
        for share in (x, out):
            share.storage.facts[share.geometry, POSITIVE] = bits
        return self._passed_on(out, x)

    def positive(self, x: Share) -> Share:
        """The bits ``[x > 0]``: free if ``x`` came out of ``relu`` or was compared with zero before."""
        facts, key = x.storage.facts, (x.geometry, POSITIVE)
        if key not in facts:
            facts[key] = self.compare(x, [1])[0]
        bits: Share = facts[key]
        return bits

    def select(self, bit: Share, xs: Sequence[Share], settle: bool = False) -> list[Share]:
        """``bit * x`` for each of ``xs``, with broadcasting; see ``select_pairs``."""
        return self.select_pairs([(bit, x) for x in xs], settle)

    def select_pairs(self, pairs: Sequence[tuple[Share, Share]], settle: bool = False) -> list[Share]:
        """``bit * x`` for each pair, with broadcasting; one round for all of them.

        Each result is at the scale of its x, or, with ``settle``, truncated in the same round.
        """
        xs = [x for _, x in pairs]
        if settle and self.settings.truncation == "exact":
            self.settle(*xs)
        outs: dict[int, Share] = {}
        waiting: dict[int, tuple[Share, Share]] = {}
        for i, pair in enumerate(_broadcast(bit, x) for bit, x in pairs):
            known = self._select_known(*pair, settle)
            if known is None:
                waiting[i] = pair
            else:
                outs[i] = known
        if waiting:
            outs.update(zip(waiting, self._select_secret(list(waiting.values()), settle), strict=True))
        for i, x in enumerate(xs):
            self._passed_on(outs[i], x)
        if settle:
            self.settle(*outs.values())
        return [outs[i] for i in range(len(pairs))]

    def select_sums(self, bits: Share, xs: Sequence[Share]) -> list[Callable[[Sequence[int]], Share]]:
        """For 1 and each of ``xs``: from public whole numbers w to the sum of ``w_i * bits[i] * x``.

        bits: [count, *shape]; xs: [*shape]; the sums are ring integers. One round for all, the cost of ``select`` of
        every bit times 1 and each of ``xs``; the sums themselves are local.
        """
        if bits.storage.known_by is None and all(x.storage.known_by is None for x in xs):
            with self.metered("select"):
                sums = self._select_sums(bits, xs)
            for x in xs:  # as in all that a pending value goes into: the next truncation need not settle it too
                self._pending.pop(x.storage.token, None)
            return [lambda w, s=s: Share(s(self.placed(torch.tensor(w))), Storage(0, 0)) for s in sums]  # type: ignore[misc]
        one = self.public(torch.ones((), dtype=torch.int64), 0)
        spread = [x.view(lambda part: part.expand(bits.shape)) for x in xs]
        return [partial(self._weighed, stack) for stack in self.select_pairs([(bits, x) for x in (one, *spread)])]

    def _weighed(self, stack: Share, weights: Sequence[int]) -> Share:
        column = self.placed(torch.tensor(weights)).view(-1, *(1,) * (len(stack.shape) - 1))
        out = self.linear(lambda part: (part * column).sum(0), stack)
        out.storage.scale = out.storage.unit = 0
        return out

    def _select_known(self, bit: Share, x: Share, settle: bool) -> Share | None:
        """``bit * x`` where the bit is public or one party knows both; settles a known x on the way. None elsewhere."""
        if bit.storage.known_by == EVERYONE:
            return self.linear(lambda part: part * required(bit.clear), x)
        known = common_knowledge((bit, x))
        if known is not None:
            value = None if bit.clear is None or x.clear is None else x.clear * bit.clear
            return self._known(value, known, x.shape, Storage(x.scale, x.storage.unit))
        if settle and x.storage.known_by is not None:
            self.settle(x)
        return None

    def _select_secret(self, pairs: Sequence[tuple[Share, Share]], settle: bool) -> list[Share]:
        bits, xs = [bit for bit, _ in pairs], [x for _, x in pairs]
        shifts = [x.scale - x.storage.unit if settle and x.storage.pending else 0 for x in xs]
        storages = [Storage(x.scale - shift, x.storage.unit) for x, shift in zip(xs, shifts, strict=True)]
        with self.metered("select"):
            chosen = self._select(bits, xs, shifts)
        return [Share(parts, storage) for parts, storage in zip(chosen, storages, strict=True)]

    # ---------------------------------------------------------------- bits

    def xor(self, x: Share, y: Share) -> Share:
        """``x ^ y`` of bits; local."""
        return self.linear(torch.logical_xor, x, y)

    def invert(self, x: Share) -> Share:
        """``not x`` of bits; local."""
        return self.xor(x, self.public(torch.ones(x.shape, dtype=torch.bool), 0))

    def both(self, x: Share, y: Share) -> Share:
        """``x and y`` of bits; one round unless one party knows both or everybody knows one."""
        for one, other in ((x, y), (y, x)):
            if one.storage.known_by == EVERYONE:
                chosen = required(one.clear)
                return self.linear(partial(torch.logical_and, other=chosen), other)
        x, y = _broadcast(x, y)
        known = common_knowledge((x, y))
        if known is not None:
            value = None if x.clear is None or y.clear is None else torch.logical_and(x.clear, y.clear)
            return self._known(value, known, x.shape, Storage(0, 0, True))
        with self.metered("both"):
            return Share(self._both(x, y), Storage(0, 0, True))

    def to_number(self, bit: Share, unit: int) -> Share:
        """A bit as the number 0 or 1 of the given unit; one round."""
        if bit.storage.known_by is not None:
            out = self._known_like(bit, lambda value: value.to(torch.int64), Storage(0, 0))
        else:
            with self.metered("to_number"):
                out = Share(self._to_number(bit), Storage(0, 0))
        return self.with_unit(out, unit) if unit else out

    def bits(self, x: Share, width: int) -> Share:
        """The ``width`` low bits (1 to 64) of the settled ring integer, any: two's complement, lowest first.

        Their shape is ``[width, *x.shape]``. Four rounds and 163 bits for 64 bits; a round and ``width`` for up to 4.
        """
        self.settle(x)
        if x.storage.known_by is not None:
            value = None if x.clear is None else cleartext.bits(x.clear, width)
            return self._known(value, x.storage.known_by, (width, *x.shape), Storage(0, 0, True))
        with self.metered("bits"):
            return Share(self._bits(x, width), Storage(0, 0, True))

    def number_of(self, bits: Share, unit: int = 0, signed: bool = False) -> Share:
        """The inverse of ``bits``: the number whose bits lie along the first dimension; one round.

        signed: the last bit is the sign (two's complement), which makes no difference for 64 bits.
        """
        weights = self.placed(bit_weights(bits.shape[0], signed)).view(-1, *(1,) * (len(bits.shape) - 1))
        out = self.linear(lambda part: (part * weights).sum(0), self.to_number(bits, 0))
        return self.with_unit(out, unit) if unit else out


def bit_weights(width: int, signed: bool) -> Tensor:
    """What each of ``width`` bits is worth, as ring integers."""
    weights = torch.ones(width, dtype=torch.int64) << torch.arange(width)
    if signed:
        weights[-1] = -weights[-1]
    return weights


def _broadcast(bit: Share, x: Share) -> tuple[Share, Share]:
    """Both at their common shape, as views."""
    shape = torch.broadcast_shapes(bit.shape, x.shape)
    bit, x = (z if z.shape == shape else z.view(lambda part: part.expand(shape)) for z in (bit, x))
    return bit, x
