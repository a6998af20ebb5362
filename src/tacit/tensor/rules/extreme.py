"""Maxima, minima and where they are: tournaments of comparisons. At equal values the first index wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from tacit.functions.tournament import Tournament, play
from tacit.protocols._base import Protocol
from tacit.protocols.share import Share
from tacit.tensor.operands import addend, dims_of, number, result_type
from tacit.tensor.registry import rule
from tacit.tensor.secret import Secret
from tacit.tensor.secret_index import SecretIndex, Winners

aten = torch.ops.aten


@rule(aten.maximum.default, aten.clamp_min.Tensor)
def maximum(protocol: Protocol, x: Secret | Tensor, y: Secret | Tensor) -> Secret:
    """``y + relu(x - y)``: 98 bits, four rounds."""
    dtype = result_type(x, y)
    left, right = _pair(protocol, x, y, dtype)
    risen = protocol.relu(protocol.sub(left, right), settle=False)
    return Secret(protocol, protocol.add(right, risen), dtype)


@rule(aten.minimum.default, aten.clamp_max.Tensor)
def minimum(protocol: Protocol, x: Secret | Tensor, y: Secret | Tensor) -> Secret:
    """``x - relu(x - y)``: 98 bits, four rounds."""
    dtype = result_type(x, y)
    left, right = _pair(protocol, x, y, dtype)
    risen = protocol.relu(protocol.sub(left, right), settle=False)
    return Secret(protocol, protocol.sub(left, risen), dtype)


def _pair(protocol: Protocol, x: Secret | Tensor, y: Secret | Tensor, dtype: torch.dtype) -> tuple[Share, Share]:
    if isinstance(x, Secret) and isinstance(y, Secret):
        return number(protocol, x, dtype), number(protocol, y, dtype)
    if isinstance(x, Secret):
        left = number(protocol, x, dtype)
        return left, addend(protocol, y, left)
    right = number(protocol, cast(Secret, y), dtype)
    return addend(protocol, x, right), right


@rule(aten.max.default)
def max_all(protocol: Protocol, x: Secret) -> Secret:
    """A tournament: four rounds and 98 bits a match for each doubling of the number of elements."""
    return Secret(protocol, _played(protocol, x, None, largest=True).best, x.dtype)


@rule(aten.min.default)
def min_all(protocol: Protocol, x: Secret) -> Secret:
    """The same cost as ``max``."""
    return Secret(protocol, protocol.neg(_played(protocol, x, None, largest=False).best), x.dtype)


@rule(aten.amax.default)
def amax(protocol: Protocol, x: Secret, dim: Sequence[int] = (), keepdim: bool = False) -> Secret:
    """The same cost as ``max``."""
    best = _played(protocol, x, dim, largest=True).best
    return Secret(protocol, _kept(best, x, dim) if keepdim else best, x.dtype)


@rule(aten.amin.default)
def amin(protocol: Protocol, x: Secret, dim: Sequence[int] = (), keepdim: bool = False) -> Secret:
    """The same cost as ``max``."""
    best = protocol.neg(_played(protocol, x, dim, largest=False).best)
    return Secret(protocol, _kept(best, x, dim) if keepdim else best, x.dtype)


@rule(aten.max.dim)
def max_dim(protocol: Protocol, x: Secret, dim: int, keepdim: bool = False) -> tuple[Secret, Secret]:
    """The same cost as ``max``; the indices cost a round for each doubling more, when they are used."""
    tournament = _played(protocol, x, [dim], largest=True)
    return _with_index(protocol, x, dim, keepdim, tournament, tournament.best)


@rule(aten.min.dim)
def min_dim(protocol: Protocol, x: Secret, dim: int, keepdim: bool = False) -> tuple[Secret, Secret]:
    """The same cost as ``max``; the indices cost a round for each doubling more, when they are used."""
    tournament = _played(protocol, x, [dim], largest=False)
    return _with_index(protocol, x, dim, keepdim, tournament, protocol.neg(tournament.best))


@rule(aten.argmax.default)
def argmax(protocol: Protocol, x: Secret, dim: int | None = None, keepdim: bool = False) -> Secret:
    """A tournament and one round for each doubling."""
    return _index_alone(protocol, x, dim, keepdim, largest=True)


@rule(aten.argmin.default)
def argmin(protocol: Protocol, x: Secret, dim: int | None = None, keepdim: bool = False) -> Secret:
    """The same cost as ``argmax``."""
    return _index_alone(protocol, x, dim, keepdim, largest=False)


def _index_alone(protocol: Protocol, x: Secret, dim: int | None, keepdim: bool, largest: bool) -> Secret:
    dims = None if dim is None else [dim]
    tournament = _played(protocol, x, dims, largest)
    index = SecretIndex(protocol, Winners(tournament))
    if not keepdim or not x.dim():
        return index
    return index.viewed(lambda part: part.view([1] * x.dim()) if dim is None else part.unsqueeze(dim))


def _with_index(
    protocol: Protocol, x: Secret, dim: int, keepdim: bool, tournament: Tournament, best: Share
) -> tuple[Secret, Secret]:
    index = SecretIndex(protocol, Winners(tournament))
    if not keepdim or not x.dim():
        return Secret(protocol, best, x.dtype), index
    return Secret(protocol, _kept(best, x, [dim]), x.dtype), index.viewed(lambda part: part.unsqueeze(dim))


def _played(protocol: Protocol, x: Secret, dims: Sequence[int] | None, largest: bool) -> Tournament:
    """The tournament over ``dims`` (all dimensions if there are none), which become the last one."""
    share = number(protocol, x, x.dtype)
    if not largest:
        share = protocol.neg(share)
    chosen = dims_of(x, dims)
    first = x.dim() - len(chosen)
    laid_out = (
        protocol.linear(lambda part: part.movedim(chosen, list(range(first, x.dim()))).flatten(first), share)
        if chosen
        else share.view(lambda part: part.view(1))
    )
    return play(protocol, laid_out)


def _kept(best: Share, x: Secret, dims: Sequence[int]) -> Share:
    """The dimensions that the tournament took away, again, with size 1."""
    gone = dims_of(x, dims)
    shape = [1 if d in gone else size for d, size in enumerate(x.shape)]
    return best.view(lambda part: part.view(shape))
