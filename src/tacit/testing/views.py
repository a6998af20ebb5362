"""What one party, or all but one together, saw in many repetitions of a program, without what it may know twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import torch
from torch import Tensor

from tacit.party import DEALER
from tacit.testing.recording import BITS, Piece
from tacit.testing.statistics import ELEMENTS, signs

REVEAL = "reveal"
"""The stage in which a program reveals: what is opened there is meant to be known."""


@dataclass
class View:
    """What a coalition saw. The data of each piece is int64[repetitions, words]."""

    who: tuple[str, ...]
    observed: list[Piece]
    drawn: list[Piece]
    kept: list[Piece]


def aligned(repetitions: Sequence[Sequence[Piece]]) -> list[Piece]:
    """The pieces of all repetitions by position. Raises ValueError if the repetitions do not run alike."""
    forms = [[piece.form for piece in pieces] for pieces in repetitions]
    if any(form != forms[0] for form in forms):
        raise ValueError("the repetitions do not exchange the same messages: make fresh inputs in each of them")
    return [
        replace(column[0], data=torch.stack([piece.data for piece in column]))
        for column in zip(*repetitions, strict=True)
        if column[0].data.numel()
    ]


def views(records: Mapping[str, list[Piece]], again: Sequence[tuple[str, str]]) -> Iterator[View]:
    """The view of each party, and of all but one party together.

    Pieces that are left out, each of them bit for bit the same in all repetitions as one that stays or else determined
    by the result:
    what one member of a coalition received as another did too (one message sent to several);
    what was received or opened in the second stage of a pair of ``again`` as in the first (the same opening again);
    what was received or opened in the stage ``reveal``, where only one party is honest: the result and what the others
    hold determine its message.
    """
    names = tuple(records)
    for who in dict.fromkeys((*combinations(names, 1), *combinations(names, len(names) - 1))):
        honest = [name for name in names if name not in who]
        observed: list[Piece] = []
        for member in who:
            seen = [p for p in records[member] if p.role == "received" and p.sender in (*honest, DEALER)]
            observed += [p for p in seen if not _found(p, observed)]
        observed += [p for p in records[who[0]] if p.role == "opened" and not _revealed(p)]
        if len(honest) == 1:
            observed = [p for p in observed if not _revealed(p)]
        yield View(
            who,
            _once(observed, again),
            [p for member in who for p in records[member] if p.role == "drawn"],
            [p for member in who for p in records[member] if p.role == "kept"],
        )


def rings(pieces: Sequence[Piece]) -> list[tuple[str, int, Tensor]]:
    """The pieces that are ring elements, 64 at a time: name, width and int64[repetitions, 64]."""
    return [
        (piece.name, piece.width, block)
        for piece in pieces
        if piece.width and piece.data.shape[1] % ELEMENTS == 0
        for block in piece.data.split(ELEMENTS, 1)
    ]


def planes(pieces: Sequence[Piece]) -> tuple[list[str], Tensor]:
    """Every bit of the pieces as planes of 64 elements: the planes' names and their signs, float32[64, P, R]."""
    names: list[str] = []
    parts: list[Tensor] = []
    for piece in pieces:
        if piece.width == BITS:
            names += [f"{piece.name}, plane {i}" for i in range(piece.data.shape[1])]
            parts.append(signs(piece.data))
    for name, width, block in rings(pieces):
        names += [f"{name}, bit {i}" for i in range(width)]
        parts.append(ring_signs(block, width))
    return names, torch.cat(parts, 1) if parts else torch.zeros(ELEMENTS, 0, 1)


def ring_signs(block: Tensor, width: int) -> Tensor:
    """int64[R, 64] as the signs of their ``width`` low bits: float32[64, width, R]."""
    bits = (block.t().unsqueeze(1) >> torch.arange(width).view(-1, 1)) & 1
    return bits.to(torch.float32).mul_(2).sub_(1)


def _revealed(piece: Piece) -> bool:
    return piece.stage.startswith(REVEAL + "(")


def _same(a: Piece, b: Piece) -> bool:
    return a is not b and a.data.shape == b.data.shape and torch.equal(a.data, b.data)


def _found(piece: Piece, observed: Sequence[Piece]) -> bool:
    """Whether another member received the same message from the same honest party."""
    return piece.sender != DEALER and any(
        piece.sender == other.sender and piece.stage == other.stage and _same(piece, other) for other in observed
    )


def _once(observed: list[Piece], again: Sequence[tuple[str, str]]) -> list[Piece]:
    """Without the pieces that repeat one that stays, where ``again`` says that they may."""
    staying = list(observed)
    for piece in observed:
        firsts = tuple(first + "(" for first, second in again if piece.stage.startswith(second + "("))
        if any(_same(piece, p) and p.sender == piece.sender and p.stage.startswith(firsts) for p in staying):
            staying = [p for p in staying if p is not piece]
    return staying
