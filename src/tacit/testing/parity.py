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
from torch.nn.attention import SDPBackend, sdpa_kernel

import tacit
from tacit.errors import TacitError
from tacit.settings import Settings
from tacit.testing.samples import Sample, all_samples

SECRET, OWNED = "secret", "owned"
NAMES = ("lab", "clinic", "bank", "court")


Look = tuple[tuple[int, ...], torch.dtype, tuple[int, ...]]
"""What a tensor shows to everybody: shape, dtype and strides."""


@dataclass
class Outcome:
    """What a sample gave: its results and gradients in order, or the error that it raised.

    looks: what the secrets that held them looked like. elsewhere: the same at each other party.
    """

    values: list[Tensor | None] = field(default_factory=list)
    looks: list[Look | None] = field(default_factory=list)
    elsewhere: dict[str, list[Look | None]] = field(default_factory=dict)
    error: str = ""


def modes(sample: Sample) -> list[str]:
    """How the inputs are held: by nobody, each by one party, or one of them public and the others by nobody."""
    return [SECRET, OWNED, *(f"public {index}" for index in sample.public)]


def run_all(
    settings: Settings,
    parties: int,
    samples: Sequence[Sample] | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float64,
) -> dict[tuple[str, str], Outcome]:
    """Run every sample of ``dtype`` in every mode in one session; outcomes by (name, mode)."""
    chosen = all_samples() if samples is None else samples

    def job() -> dict[tuple[str, str], Outcome]:
        torch.set_num_threads(1)
        return {(s.name, mode): _attempt(s, mode, dtype) for s in chosen for mode in modes(s)}

    names = list(NAMES[:parties])
    with _default_dtype(dtype):
        found = tacit.run(job, parties=names, settings=settings, device=device)
    outcomes: dict[tuple[str, str], Outcome] = found[names[0]]
    for key, outcome in outcomes.items():
        outcome.elsewhere = {name: found[name][key].looks for name in names[1:]}
    return outcomes


def expected(sample: Sample, mode: str, dtype: torch.dtype = torch.float64) -> list[Tensor | None]:
    """What PyTorch gives, of attention by its definition (other kernels of it lay gradients out otherwise)."""
    inputs = [_of_dtype(x, dtype).clone() for x in sample.inputs]
    with _default_dtype(dtype), sdpa_kernel(SDPBackend.MATH):
        return [None if v is None else v.detach() for v in _evaluate(sample, inputs, mode)]


def difference(sample: Sample, outcome: Outcome, wanted: Sequence[Tensor | None], frac_bits: int) -> str:
    """The first difference in looks at any party, or in values beyond what the sample allows; or an empty text."""
    looks = [_look(value) for value in wanted]
    if not sample.strides and [_outline(look) for look in looks] == [_outline(look) for look in outcome.looks]:
        looks = outcome.looks
    for party, shown in {"the first party": outcome.looks, **outcome.elsewhere}.items():
        if shown != looks:
            return f"at {party}: shapes, dtypes, strides {shown} instead of {looks}"
    for position, (ours, theirs) in enumerate(zip(outcome.values, wanted, strict=True)):
        if theirs is None or ours is None:
            continue
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


def _look(value: Tensor | None) -> Look | None:
    return None if value is None else (tuple(value.shape), value.dtype, value.stride())


def _outline(look: Look | None) -> tuple[Any, ...] | None:
    return None if look is None else look[:2]


def _attempt(sample: Sample, mode: str, dtype: torch.dtype) -> Outcome:
    """All parties raise the same errors at the same place, so the session goes on."""
    try:
        values = _evaluate(sample, _held(sample, mode, dtype), mode)
        looks = [_look(value) for value in values]
        return Outcome([None if value is None else tacit.reveal(value) for value in values], looks)
    except (TacitError, RuntimeError, TypeError, IndexError, AssertionError, AttributeError):
        return Outcome(error=traceback.format_exc())


def _held(sample: Sample, mode: str, dtype: torch.dtype) -> list[Tensor]:
    held = []
    for index, value in enumerate(_of_dtype(x, dtype) for x in sample.inputs):
        if mode == f"public {index}":
            held.append(value.clone())
        elif mode == OWNED:
            held.append(tacit.secret(value, owner=NAMES[index % tacit.party().world_size]))
        else:
            held.append(held_by_nobody(value, index))
    return held


def held_by_nobody(value: Tensor, seed: int) -> Tensor:
    """A secret that no party knows: the sum of two parties' secrets."""
    other = torch.randint(-8, 8, value.shape, generator=torch.Generator().manual_seed(seed))
    if value.dtype == torch.bool:
        mask = other > 0
        return tacit.secret(value ^ mask, owner=NAMES[0]) ^ tacit.secret(mask, owner=NAMES[1])
    mask = other.to(torch.float64 if value.dtype.is_floating_point else value.dtype)
    both = tacit.secret(value - mask, owner=NAMES[0]) + tacit.secret(mask, owner=NAMES[1])
    return both.detach().to(value.dtype)


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
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Samples make their public constants in it."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _of_dtype(value: Tensor, dtype: torch.dtype) -> Tensor:
    return value.to(dtype) if value.dtype.is_floating_point else value
