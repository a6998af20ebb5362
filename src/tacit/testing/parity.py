"""The parity check: every sample on secrets against PyTorch on plain tensors.

``run_all`` runs all samples in one session, ``expected`` gives what PyTorch says, ``difference`` compares.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

import tacit
from tacit.errors import TacitError
from tacit.settings import Settings
from tacit.testing.samples import Sample, all_samples

SECRET, OWNED = "secret", "owned"
NAMES = ("lab", "clinic", "bank", "court")


@dataclass
class Outcome:
    """What a sample gave: its results and gradients in order, or the error that it raised."""

    values: list[Tensor | None] = field(default_factory=list)
    error: str = ""


def modes(sample: Sample) -> list[str]:
    """How the inputs are held: by nobody, each by one party, or one of them public and the others by nobody."""
    return [SECRET, OWNED, *(f"public {index}" for index in sample.public)]


def run_all(
    settings: Settings, parties: int, samples: Sequence[Sample] | None = None, device: str = "cpu"
) -> dict[tuple[str, str], Outcome]:
    """Run every sample in every mode in one session; outcomes by (name, mode)."""
    chosen = all_samples() if samples is None else samples

    def job() -> dict[tuple[str, str], Outcome]:
        torch.set_num_threads(1)
        return {(s.name, mode): _attempt(s, mode) for s in chosen for mode in modes(s)}

    names = list(NAMES[:parties])
    with _in_doubles():
        return tacit.run(job, parties=names, settings=settings, device=device)[names[0]]  # type: ignore[no-any-return]


def expected(sample: Sample, mode: str) -> list[Tensor | None]:
    """What PyTorch gives in double precision."""
    inputs = [_double(x).clone() for x in sample.inputs]
    with _in_doubles():
        return [None if v is None else v.detach() for v in _evaluate(sample, inputs, mode)]


def difference(sample: Sample, got: Sequence[Tensor | None], wanted: Sequence[Tensor | None], frac_bits: int) -> str:
    """The first difference beyond what the sample allows, or an empty text."""
    if len(got) != len(wanted):
        return f"{len(got)} results, expected {len(wanted)}"
    for position, (ours, theirs) in enumerate(zip(got, wanted, strict=True)):
        if theirs is None or ours is None:
            if ours is not theirs:
                return f"result {position}: {ours} instead of {theirs}"
            continue
        if ours.shape != theirs.shape:
            return f"result {position}: shape {tuple(ours.shape)} instead of {tuple(theirs.shape)}"
        if ours.dtype.is_floating_point != theirs.dtype.is_floating_point:
            return f"result {position}: {ours.dtype} instead of {theirs.dtype}"
        allowed = (
            2.0**-frac_bits * (sample.units + sample.relative * theirs.double().abs())
            if theirs.dtype.is_floating_point
            else 0
        )
        error = (ours.double() - theirs.double()).abs()
        if bool((error > allowed).any()):
            worst = float(error.max())
            return (
                f"result {position}: off by {worst:.3g}, {worst * 2**frac_bits:.1f} units; {ours} instead of {theirs}"
            )
    return ""


def _attempt(sample: Sample, mode: str) -> Outcome:
    """All parties raise the same errors at the same place, so the session goes on."""
    try:
        values = _evaluate(sample, _held(sample, mode), mode)
        return Outcome([None if value is None else tacit.reveal(value) for value in values])
    except (TacitError, RuntimeError, TypeError, IndexError, AssertionError, AttributeError):
        return Outcome(error=traceback.format_exc())


def _held(sample: Sample, mode: str) -> list[Tensor]:
    held = []
    for index, value in enumerate(sample.inputs):
        value = _double(value) if value.dtype.is_floating_point else value
        if mode == f"public {index}":
            held.append(value.clone())
        elif mode == OWNED:
            held.append(tacit.secret(value, owner=NAMES[index % tacit.party().world_size]))
        else:
            held.append(_held_by_nobody(value, index))
    return held


def _held_by_nobody(value: Tensor, seed: int) -> Tensor:
    """A secret that no party knows: the sum of two parties' secrets."""
    other = torch.randint(-8, 8, value.shape, generator=torch.Generator().manual_seed(seed))
    if value.dtype == torch.bool:
        mask = other > 0
        return tacit.secret(value ^ mask, owner=NAMES[0]) ^ tacit.secret(mask, owner=NAMES[1])
    mask = other.to(value.dtype)
    return (tacit.secret(value - mask, owner=NAMES[0]) + tacit.secret(mask, owner=NAMES[1])).detach()


def _evaluate(sample: Sample, inputs: list[Tensor], mode: str) -> list[Tensor | None]:
    """Results, then the gradients of a weighted sum of them for the inputs that are not public."""
    wanted = []
    if sample.gradient:
        wanted = [
            x.requires_grad_()
            for index, x in enumerate(inputs)
            if x.dtype.is_floating_point and mode != f"public {index}"
        ]
    outs = [out for out in _flat(sample.function(*inputs)) if out is not None]
    if not wanted:
        return list(outs)
    total = sum(
        (out * _weights(out.shape, out.dtype)).sum()
        for out in outs
        if out.dtype.is_floating_point and out.requires_grad
    )
    if not isinstance(total, Tensor):
        return [*outs, *([None] * len(wanted))]
    return [*outs, *torch.autograd.grad(total, wanted, allow_unused=True)]


def _weights(shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """Public weights that differ from element to element, with few bits."""
    count = shape.numel()
    return ((torch.arange(count) * 7 % 16 - 7) / 4).to(dtype).view(shape)


def _flat(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    else:
        for item in value:
            yield from _flat(item)


@contextmanager
def _in_doubles() -> Iterator[None]:
    """Samples make their public constants in double precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _double(value: Tensor) -> Tensor:
    return value.double() if value.dtype.is_floating_point else value
