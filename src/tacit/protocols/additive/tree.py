"""Trees of masked multi-input ands over planes of bits, fan-in four: many inputs, few rounds.

An and of up to four shared bits costs one opened bit for each input, all at once: with every input u open as U = u ^ m,
the product of the u is a public combination of products of the m, which the source shares. (Ohata, Nuida, FC 2020.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import torch
from torch import Tensor

from tacit.correlations._base import Delivery
from tacit.correlations.requests import Conjunctions, subsets
from tacit.protocols.additive.context import Context

FAN_IN = 4

Monomials = tuple[tuple[int, ...], ...]


class MaskedAnds:
    """Products of shared bits: ``inputs`` is int64[variables, nodes, words], each monomial a set of variables."""

    def __init__(self, context: Context, inputs: Tensor, monomials: Monomials) -> None:
        self._context = context
        self._monomials = monomials
        request = Conjunctions(context.new_id(), inputs.shape[1], inputs.shape[2], inputs.shape[0], monomials)
        self._delivery: Delivery = context.fetch(request)
        self._mask = context.source.streams.bit_mask(request.id, request.mask_shape)
        self.masked = inputs ^ self._mask

    def results(self, opened: Tensor) -> list[Tensor]:
        """The shares of the monomials, given ``masked`` as opened."""
        (products,) = self._delivery.get()
        share = dict(zip(subsets(self._monomials), products, strict=True))
        share.update({(v,): self._mask[v] for v in range(len(self._mask))})
        return [self._expand(opened, monomial, share) for monomial in self._monomials]

    def _expand(self, opened: Tensor, monomial: tuple[int, ...], share: dict[tuple[int, ...], Tensor]) -> Tensor:
        """The product over v of (U_v ^ m_v), multiplied out: one term for each subset of masks."""
        total = self._context.constant(reduce(torch.bitwise_and, (opened[v] for v in monomial)))
        for size in range(1, len(monomial) + 1):
            for masks in combinations(monomial, size):
                public = [opened[v] for v in monomial if v not in masks]
                total = total ^ reduce(torch.bitwise_and, public, share[masks])
        return total


def open_together(context: Context, groups: list[MaskedAnds]) -> list[list[Tensor]]:
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
