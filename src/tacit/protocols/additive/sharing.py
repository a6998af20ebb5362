"""Sharing by common seeds, and revealing under fresh zero-shares."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import torch
from torch import Tensor

from tacit.protocols.additive.context import Context
from tacit.protocols.share import Share, required
from tacit.ring.bits import pack_bits, unpack_bits, words
from tacit.ring.device.staging import CPU
from tacit.ring.prg import Prg


class PairStreams:
    """What this party has in common with each other party alone: streams for inputs and for zero-shares.

    Both ends count alike, so that no position of a stream serves twice.
    """

    def __init__(self, seeds: Mapping[int, bytes], generator: str, device: torch.device = CPU) -> None:
        self._device = device
        roots = {rank: Prg(seed, generator, device) for rank, seed in seeds.items()}
        self._inputs = {rank: root.derive("input share") for rank, root in roots.items()}
        self._zeros = {rank: root.derive("zero share") for rank, root in roots.items()}
        self._drawn = 0

    def input_shares(self, ranks: list[int], count: int) -> list[Tensor]:
        """The next share of an input that this party has in common with each of ``ranks``, as words."""
        self._drawn += 1
        return [self._inputs[rank].words(self._drawn, count) for rank in ranks]

    def zero_share(self, rank: int, count: int, boolean: bool) -> Tensor:
        """This party's share of zero: a term for each pair, with opposite signs at its two ends (przs)."""
        self._drawn += 1
        total = torch.zeros(count, dtype=torch.int64, device=self._device)
        for other, stream in self._zeros.items():
            term = stream.words(self._drawn, count)
            total = total ^ term if boolean else (total + term if rank < other else total - term)
        return total


def share_input(
    context: Context, pairs: PairStreams, value: Tensor | None, owner: int, shape: tuple[int, ...], boolean: bool
) -> Tensor:
    """Every other party's share comes from the seed that it has in common with the owner: nothing is sent."""
    count = torch.Size(shape).numel()
    drawn = words(count) if boolean else count
    if context.party.rank == owner:
        flat = required(value).reshape(-1)
        own = pack_bits(flat) if boolean else flat
        shares = pairs.input_shares(list(context.party.others()), drawn)
        share = reduce(torch.bitwise_xor if boolean else torch.sub, shares, own)
    else:
        (share,) = pairs.input_shares([owner], drawn)
    return (unpack_bits(share, count) if boolean else share).view(shape)


def reveal(context: Context, pairs: PairStreams, x: Share, to: int | None) -> Tensor | None:
    """Disclose x to one party or to all: every party sends its share plus a fresh share of zero.

    64 bits for each element to each receiver (1 bit for bits), one round. What a receiver sees can be simulated from
    the value and its own share: the zero-shares make all but the sum uniform.
    """
    party, boolean = context.party, x.storage.boolean
    flat = x.parts[0].reshape(-1)
    share = pack_bits(flat) if boolean else flat
    zero = pairs.zero_share(party.rank, share.numel(), boolean)
    share = share ^ zero if boolean else share + zero
    if to is None:
        theirs = context.channel.broadcast(share).wait()
    elif to == party.rank:
        expected = [context.channel.receive(rank, share.shape, share.dtype) for rank in party.others()]
        theirs = [reception.wait() for reception in expected]
    else:
        context.channel.send(to, share)
        return None
    total = reduce(torch.bitwise_xor if boolean else torch.add, theirs, share)
    return (unpack_bits(total, x.numel) if boolean else total).view(x.shape)
