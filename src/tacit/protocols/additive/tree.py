"""Trees of masked multi-input ands over planes of bits, fan-in four: many inputs, few rounds.

An and of up to four shared bits costs one opened bit for each input, all at once: with every input u open as U = u ^ m,
the product of the u is a public combination of products of the m, which the source shares. (Ohata, Nuida, FC 2020.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from tacit.correlations._base import Delivery
from tacit.correlations.requests import Conjunctions
from tacit.protocols.additive.context import Context
from tacit.ring import kernels
from tacit.ring.conjunctions import Monomials

FAN_IN = 4


class MaskedAnds:
    """Products of shared bits: ``inputs`` is int64[variables, nodes, words], each monomial a set of variables."""

    def __init__(self, context: Context, inputs: Tensor, monomials: Monomials) -> None:
        self._context = context
        self._monomials = monomials
        request = Conjunctions(context.new_id(), inputs.shape[1], inputs.shape[2], inputs.shape[0], monomials)
        self._delivery: Delivery = context.fetch(request)
        self._mask = context.source.streams.bit_mask(request.id, request.mask_shape)
        self.masked = inputs ^ self._mask

    def results(self, opened: Tensor) -> Tensor:
        """The shares of the monomials, int64[monomials, nodes, words], given ``masked`` as opened."""
        (products,) = self._delivery.get()
        return kernels.conjunctions(opened, self._mask, products, self._monomials, self._context.first)


def open_together(context: Context, groups: list[MaskedAnds]) -> list[Tensor]:
    """The results of several groups of ands, whose inputs are opened in one round, a bit a bit."""
    mine = torch.cat([group.masked.reshape(-1) for group in groups])
    total = reduce(torch.bitwise_xor, context.channel.broadcast(mine).wait(), mine)
    parts = total.split([group.masked.numel() for group in groups])
    return [group.results(part.view(group.masked.shape)) for group, part in zip(groups, parts, strict=True)]


@dataclass(frozen=True)
class Group:
    """Neighbouring chunks ``[start + i * fan, ...)`` that form ``count`` nodes of the same shape."""

    start: int
    fan: int
    count: int

    def rows(self, planes: Tensor) -> Tensor:
        """The group's rows as [fan, count, words]."""
        return planes[self.start : self.start + self.fan * self.count].view(self.count, self.fan, -1).transpose(0, 1)


def less_than(context: Context, less: Tensor, equal: Tensor) -> Tensor:
    """From ``[v_j < r_j]`` and ``[v_j == r_j]`` for each chunk j, lowest first, the plane of ``[v < r]``.

    g = g3 ^ p3 g2 ^ p3 p2 g1 ^ p3 p2 p1 g0 and p = p3 p2 p1 p0 at each node. 16 chunks: two rounds, 33 bits.
    """
    while less.shape[0] > 1:
        groups = split(less.shape[0], lowest_apart=True)
        ands = [_order_ands(context, group, less, equal) for group in groups if group.fan > 1]
        results = iter(open_together(context, ands))
        new_less, new_equal = [], []
        for group in groups:
            g, p = group.rows(less), group.rows(equal)
            if group.fan == 1:
                new_less.append(g[0])
                new_equal.append(p[0])
                continue
            products = next(results)
            new_less.append(reduce(torch.bitwise_xor, products[: group.fan - 1], g[-1]))
            new_equal.append(products[-1] if group.start else torch.zeros_like(g[0]))
        less, equal = torch.cat(new_less), torch.cat(new_equal)
    return less[0]


def running_less_than(context: Context, less: Tensor, equal: Tensor) -> Tensor:
    """From the same as ``less_than``, for each chunk the plane of ``[v < r]`` on the bits up to its end.

    First within fours of chunks, then across them; at most 16 chunks. 15 chunks: two rounds, 39 bits.
    """
    chunks = less.shape[0]
    g, p = less.clone(), equal.clone()
    groups = [group for group in split(chunks, lowest_apart=True) if group.fan > 1]
    ands = [_running_ands(context, group, less, equal) for group in groups]
    for group, products in zip(groups, open_together(context, ands) if ands else [], strict=True):
        own, remaining = group.rows(less), iter(products)
        for i in range(1, group.fan):
            rows = slice(group.start + i, group.start + group.fan * group.count, group.fan)
            g[rows] = reduce(torch.bitwise_xor, (next(remaining) for _ in range(i)), own[i])
            if group.start:
                p[rows] = next(remaining)
    if chunks <= FAN_IN:
        return g
    _, monomials = across_monomials(chunks)
    inputs = torch.cat([g[FAN_IN - 1 : chunks - 1 : FAN_IN], p[FAN_IN:]]).unsqueeze(1)
    remaining = iter(open_together(context, [MaskedAnds(context, inputs, monomials)])[0])
    for chunk in range(FAN_IN, chunks):
        g[chunk] = reduce(torch.bitwise_xor, (next(remaining)[0] for _ in range(chunk // FAN_IN)), g[chunk])
    return g


def all_equal(context: Context, equal: Tensor) -> Tensor:
    """The and of all chunks' planes. 16 chunks: two rounds, 20 bits."""
    while equal.shape[0] > 1:
        groups = split(equal.shape[0], lowest_apart=False)
        ands = [MaskedAnds(context, group.rows(equal), (tuple(range(group.fan)),)) for group in groups if group.fan > 1]
        results = iter(open_together(context, ands))
        equal = torch.cat([next(results)[0] if group.fan > 1 else group.rows(equal)[0] for group in groups])
    return equal[0]


def order_monomials(fan: int, lowest: bool) -> tuple[int, Monomials]:
    """How many variables a node of ``less_than`` has, and its products: those of g, then that of p unless ``lowest``.

    Variables: p of the upper chunks, highest first; g of the lower ones; p of the lowest chunk unless the node holds
    chunk 0, whose equality nobody needs.
    """
    monomials = [(*range(i + 1), fan - 1 + i) for i in range(fan - 1)]
    variables = 2 * (fan - 1)
    if not lowest:
        monomials.append((*range(fan - 1), variables))
        variables += 1
    return variables, tuple(monomials)


def running_monomials(fan: int, lowest: bool) -> tuple[int, Monomials]:
    """How many variables a node of ``running_less_than`` has, and its products for each chunk above the first in turn.

    Variables: g of all chunks but the last, p of all but the first, then p of the first unless ``lowest``.
    """
    monomials: list[tuple[int, ...]] = []
    for i in range(1, fan):
        upper = range(fan - 1, fan - 1 + i)  # p of the chunks 1 to i
        monomials += [(s, *upper[s:]) for s in range(i)]
        if not lowest:
            monomials.append((*upper, 2 * (fan - 1)))
    return 2 * (fan - 1) + (not lowest), tuple(monomials)


def across_monomials(chunks: int) -> tuple[int, Monomials]:
    """The same for the step across fours: for each chunk beyond the first four, a product for each four below it.

    Variables: g of each four but the last, then p of each chunk from the fifth on, each on its four up to the chunk.
    """
    fours = (chunks - 1) // FAN_IN
    p = {chunk: fours + chunk - FAN_IN for chunk in range(FAN_IN, chunks)}
    monomials = [
        (t, *(p[FAN_IN * s + FAN_IN - 1] for s in range(t + 1, chunk // FAN_IN)), p[chunk])
        for chunk in p
        for t in range(chunk // FAN_IN)
    ]
    return fours + len(p), tuple(monomials)


def _running_ands(context: Context, group: Group, less: Tensor, equal: Tensor) -> MaskedAnds:
    """The ands of a node, its variables in the order of ``running_monomials``."""
    g, p, lowest = group.rows(less), group.rows(equal), group.start == 0
    inputs = torch.cat([g[:-1], p[1:]] if lowest else [g[:-1], p[1:], p[:1]])
    return MaskedAnds(context, inputs, running_monomials(group.fan, lowest)[1])


def _order_ands(context: Context, group: Group, less: Tensor, equal: Tensor) -> MaskedAnds:
    """The ands of a node, its variables in the order of ``order_monomials``."""
    g, p, fan = group.rows(less), group.rows(equal), group.fan
    inputs = [p[i] for i in range(fan - 1, 0, -1)] + [g[i] for i in range(fan - 2, -1, -1)]
    lowest = group.start == 0
    if not lowest:
        inputs.append(p[0])
    return MaskedAnds(context, torch.stack(inputs), order_monomials(fan, lowest)[1])


def split(chunks: int, lowest_apart: bool) -> list[Group]:
    """Cut chunks into nodes of ``FAN_IN``; equal nodes form a group, the lowest node and the rest stand apart."""
    groups, start = [], 0
    if lowest_apart:
        groups.append(Group(0, min(FAN_IN, chunks), 1))
        start = groups[0].fan
    full, rest = divmod(chunks - start, FAN_IN)
    if full:
        groups.append(Group(start, FAN_IN, full))
    if rest:
        groups.append(Group(start + full * FAN_IN, rest, 1))
    return groups
