"""Products of masked bits, in torch (see ``kernels``): which products of masks they need, and how they come together.

A monomial is a set of variables. With every variable u of it open as U = u ^ m, the product of the u is the xor over
all subsets of the product of those m with the U of the rest.
"""

from __future__ import annotations

from functools import cache, reduce
from itertools import combinations

import torch
from torch import Tensor

Monomials = tuple[tuple[int, ...], ...]


@cache
def subsets(monomials: Monomials) -> Monomials:
    """All sets of two or more variables within a monomial, and their prefixes before them: the products of masks."""
    found = {s for m in monomials for size in range(2, len(m) + 1) for s in combinations(sorted(m), size)}
    return tuple(sorted(found, key=lambda s: (len(s), s)))


def conjunctions(opened: Tensor, masks: Tensor, products: Tensor, monomials: Monomials, first: bool) -> Tensor:
    """Shares of each monomial, int64[monomials, nodes, words].

    opened, masks: int64[variables, nodes, words], what is open and this party's shares of the masks. products: its
    shares of the masks' products, in the order of ``subsets``. first: whether this party is the one that adds public
    numbers.
    """
    share = dict(zip(subsets(monomials), products, strict=True))
    share.update({(v,): masks[v] for v in range(len(masks))})
    return torch.stack([_product(opened, monomial, share, first) for monomial in monomials])


def _product(opened: Tensor, monomial: tuple[int, ...], share: dict[tuple[int, ...], Tensor], first: bool) -> Tensor:
    """The product over v of (U_v ^ m_v), multiplied out: one term for each subset of masks."""
    public = reduce(torch.bitwise_and, (opened[v] for v in monomial))
    total = public if first else torch.zeros_like(public)
    for size in range(1, len(monomial) + 1):
        for masks in combinations(monomial, size):
            rest = [opened[v] for v in monomial if v not in masks]
            total = total ^ reduce(torch.bitwise_and, rest, share[tuple(sorted(masks))])
    return total


@cache
def expansion(monomials: Monomials, variables: int) -> Tensor:
    """The same as one row of whole numbers, for native code.

    For each monomial its size and its variables, then for each of its sets (by the bits of 1, 2, 3, ...) the row of
    the masks or, from ``variables`` on, of the products.
    """
    row = {s: variables + i for i, s in enumerate(subsets(monomials))}
    row.update({(v,): v for v in range(variables)})
    out: list[int] = []
    for monomial in map(sorted, monomials):
        out += [len(monomial), *monomial]
        sets = (tuple(v for i, v in enumerate(monomial) if chosen >> i & 1) for chosen in range(1, 1 << len(monomial)))
        out += [row[s] for s in sets]
    return torch.tensor(out)
