"""The tests that a view must pass: every piece uniform, alone and joined with any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tacit.testing.recording import BITS
from tacit.testing.statistics import (
    ELEMENTS,
    LAGS,
    byte_scores,
    lag_scores,
    pair_scores,
    pooled_scores,
    single_scores,
    threshold,
)
from tacit.testing.views import View, planes, rings

_LISTED = 20
_BYTE_DEGREES = 255


@dataclass(frozen=True)
class Leak:
    """One test that failed: who saw it, what was tested, and the score beside its threshold. No recorded number."""

    who: tuple[str, ...]
    test: str
    pieces: str
    score: float
    limit: float

    def __str__(self) -> str:
        return (
            f"{'+'.join(self.who)}: {self.test} of {self.pieces}: {self.score:.0f} where {self.limit:.0f} is the limit"
        )


Outcome = tuple[list[Leak], int]
"""What failed, and how many tests were done."""


def examine(view: View) -> Iterator[Outcome]:
    """All tests of a view. What is kept is tested by itself, not with the rest, from which the party computes it."""
    names, observed = planes(view.observed)
    drawn_names, drawn = planes(view.drawn)
    for labels, x in ((names, observed), planes(view.kept)):
        if labels:
            yield _judge(view, "bias of the bits", single_scores(x), ELEMENTS, labels)
            yield _judge(view, "bias of all bits together", pooled_scores(x), 1, labels)
            yield _judge(view, "xor of neighbours", lag_scores(x).view(-1), ELEMENTS, labels * len(LAGS))
            yield _judge_pairs(view, pair_scores(x, x).fill_diagonal_(0), labels, labels)
    if names and drawn_names:
        yield _judge_pairs(view, pair_scores(observed, drawn), names, drawn_names)
    yield from _bytes(view)
    yield from _sums(view)


def _bytes(view: View) -> Iterator[Outcome]:
    for piece in (*view.observed, *view.kept):
        width = piece.width or 8
        words = piece.data if piece.width != BITS else piece.data.contiguous().view(torch.uint8).to(torch.int64)
        scores = byte_scores(words.reshape(1, -1), width)
        if scores is not None:
            yield _judge(view, "bytes", scores.view(-1), _BYTE_DEGREES, [piece.name] * scores.numel())


def _sums(view: View) -> Iterator[Outcome]:
    """Sums and differences in the ring, of the narrower one of both widths."""
    observed, drawn = rings(view.observed), rings(view.drawn)
    for i, (name, width, block) in enumerate(observed):
        others = observed[i + 1 :] + drawn
        for shared in {min(width, other[1]) for other in others}:
            group = [other for other in others if min(width, other[1]) == shared]
            stack = torch.stack([other[2] for other in group])
            for sign, total in (("sum", block + stack), ("difference", block - stack)):
                labels = [f"{name} and {other[0]}" for other in group]
                flat = total.transpose(1, 2).reshape(-1, block.shape[0])  # [pairs * 64, R]
                scores = _bit_scores(flat, len(group), shared)
                yield _judge(view, sign, scores, ELEMENTS, [label for label in labels for _ in range(shared)])
                found = byte_scores(total.reshape(len(group), -1), shared)
                if found is not None:
                    repeated = [label for label in labels for _ in range(found.shape[1])]
                    yield _judge(view, f"bytes of the {sign}", found.view(-1), _BYTE_DEGREES, repeated)


def _bit_scores(words: Tensor, groups: int, width: int) -> Tensor:
    """The score of every bit of int64[groups * 64, R]: [groups * width]."""
    repetitions = words.shape[1]
    ones = torch.stack([((words >> bit) & 1).sum(1) for bit in range(width)], 1)  # [groups * 64, width]
    sums = (2 * ones - repetitions).double().view(groups, ELEMENTS, width)
    return (sums.square().sum(1) / repetitions).view(-1)


def _judge(view: View, test: str, scores: Tensor, degrees: int, labels: Sequence[str]) -> Outcome:
    limit = threshold(degrees)
    high = (scores > limit).nonzero().view(-1)[:_LISTED].tolist()
    return [Leak(view.who, test, labels[i], float(scores[i]), limit) for i in high], scores.numel()


def _judge_pairs(view: View, scores: Tensor, rows: Sequence[str], columns: Sequence[str]) -> Outcome:
    limit = threshold(ELEMENTS)
    high = (scores > limit).nonzero()[:_LISTED].tolist()
    leaks = [Leak(view.who, "xor", f"{rows[i]} and {columns[j]}", float(scores[i, j]), limit) for i, j in high]
    return leaks, scores.numel()
