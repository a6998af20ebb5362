"""The bits of a secret ring integer, from one masked opening and tables of the mask's chunks.

With m = x - a public and r = -a, x = m - r, so bit j of x is ``m_j ^ r_j ^ [m mod 2**j < r mod 2**j]``: the last is the
borrow. Inside a chunk of four bits all of it follows from the chunk's table; the borrow into each chunk is a prefix of
the chunks' orders. (Borrow look-ahead after Damgard et al., TCC 2006; tables after Ishai et al., TCC 2013.)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import accumulate

import torch
from torch import Tensor

from tacit.correlations.requests import Tables
from tacit.correlations.tables import look_up
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import opened
from tacit.protocols.additive.tree import MaskedAnds, open_together, running_less_than
from tacit.protocols.share import Share
from tacit.ring.bits import to_planes
from tacit.ring.chunks import CHUNK_BITS, ENTRIES

BORROWS = tuple((0, j) for j in range(1, CHUNK_BITS))
"""The products of a chunk: the borrow into it with the equality of its 1, 2 and 3 low bits."""


def bits(context: Context, x: Share, width: int) -> Tensor:
    """Xor shares of the ``width`` low bits of x, whatever its size: int64[width, words], lowest first.

    Width 64: four rounds, 163 bits, and 402 from the source. Up to 4 bits: one round, ``width`` bits.
    """
    o = opened(context, x, width)
    chunks = -(-width // CHUNK_BITS)
    delivery = context.fetch(Tables(context.new_id(), o.view, chunks * CHUNK_BITS, top=False))
    public = to_planes(o.value.reshape(-1), chunks * CHUNK_BITS)
    (tables,) = delivery.get()
    digits = public.view(chunks, CHUNK_BITS, -1).transpose(0, 1)
    found, equal = [], []
    for j, (less, same, bit) in enumerate(_inside(context, tables.view(chunks, ENTRIES - 1, -1), digits)):
        found.append(context.constant(digits[j]) ^ bit ^ less if j else context.constant(digits[j]) ^ bit)
        equal.append(same)
    if chunks > 1:
        into = running_less_than(context, *look_up(tables[: 1 - ENTRIES], public[:-CHUNK_BITS], context.first))
        inputs = torch.stack([into, *(same[1:] for same in equal[1:])])
        ((*borrows,),) = open_together(context, [MaskedAnds(context, inputs, BORROWS)])
        for row, borrow in zip(found, (into, *borrows), strict=True):
            row[1:] ^= borrow
    return torch.stack(found, dim=1).reshape(chunks * CHUNK_BITS, -1)[:width]


def _inside(context: Context, tables: Tensor, digits: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For j = 0 to 3 and every chunk: order and equality of the j low bits of m and r, and bit j of r.

    tables: int64[chunks, 15, words]. digits: int64[4, chunks, words]. Local. For j = 0 the first two mean nothing.
    """
    first = tables[:, :1]
    last = context.constant(torch.full_like(first, -1)) ^ tables[:, -1:]
    hot = torch.cat([first, tables[:, 1:] ^ tables[:, :-1], last], dim=1).transpose(0, 1)  # [r == u] for each u
    lows = [hot]
    while lows[0].shape[0] > 1:
        half = lows[0].shape[0] // 2
        lows.insert(0, lows[0][:half] ^ lows[0][half:])  # the same for one low bit less
    for j in range(CHUNK_BITS):
        upper = lows[j + 1][1 << j :]
        bit = reduce(torch.bitwise_xor, upper)
        if j:
            upto = torch.stack(list(accumulate(lows[j][:-1], torch.bitwise_xor)))
            less, same = look_up(upto.flatten(1), digits[:j].flatten(1), context.first)
            yield less.view(bit.shape), same.view(bit.shape), bit
        else:
            yield bit, bit, bit
