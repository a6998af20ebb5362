"""The shadows of a session: for every secret the plain value that it ought to have.

They belong to storages, so that views and writes in place alias as shares do. After each operation three values meet:
the secret's own, opened as it is; what PyTorch gives for the arguments as they were opened (is the rule right, does the
result fit?); and what it gives for the arguments' shadows (where would the program be without fixed point?). Only the
outermost operation is compared: rules call others inside, by their own methods.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves

from tacit.errors import InaccuracyError, RangeError, TacitError
from tacit.protocols._base import Protocol
from tacit.protocols.debug import opened
from tacit.protocols.share import Share, Storage
from tacit.ring.fixed_point import decode
from tacit.tensor.geometry import conformed
from tacit.tensor.intermediates import LENGTHS, SQUARING
from tacit.tensor.registry import short_name
from tacit.tensor.secret import Secret
from tacit.tensor.shadow import compare, place, plain
from tacit.tensor.shadow.compare import Fault

_log = logging.getLogger(__name__)

_DRAWS = 6
_SECRET_NOISE, _PUBLIC_NOISE = 2.0, 2.0**-12
"""How far arguments are moved to see what else would be right: units of a secret, parts of a public number."""

_OVERFLOWS = (
    "Scale the inputs or the weights down, normalize in between, or choose fewer frac_bits (or more compare_bits)."
)
_DRIFTS = (
    "The operation is right for its arguments, but they had lost digits that it needs: scale small values up before "
    "they are multiplied, or choose more frac_bits."
)
_POLES = "Leave such elements out before, add a small number, or see docs/debugging.md for what stands there."
_WRONG = "If nothing before it overflowed, that is a fault of its rule in Tacit: please report it."


@dataclass(frozen=True)
class _Opened:
    """The ring integers (or bits) of a whole storage as they were at one time."""

    epoch: int
    scale: int
    ring: Tensor

    def decoded(self, dtype: torch.dtype) -> Tensor:
        return self.ring.clone() if self.ring.dtype == torch.bool else decode(self.ring, self.scale, plain.wide(dtype))


class Shadows:
    """One party's. All parties compute the same, and raise the same."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._ideal: WeakKeyDictionary[Storage, Tensor] = WeakKeyDictionary()
        self._opened: WeakKeyDictionary[Storage, _Opened] = WeakKeyDictionary()
        self._inside = False
        self.unknown: set[str] = set()
        """Operations that PyTorch could not do on plain values: their results are taken as they are."""
        self._told: set[str] = set()

    def begin(self, secret: Secret, value: Tensor | None, owner: int) -> None:
        """An input: what counts is the owner's ``value`` (None elsewhere), before it was rounded."""
        if not secret.dtype.is_floating_point:
            return
        party, channel = self._protocol.party, self._protocol.channel
        with torch.inference_mode(False), torch.no_grad():
            if party.rank == owner and value is not None:
                ideal = value.detach().cpu().double().contiguous()
                for rank in party.others():
                    channel.send(rank, ideal)
            else:
                ideal = channel.receive(owner, secret.shape, torch.float64).wait().cpu()
            self._store(secret._share, ideal)

    def watched(
        self, kind: type[Any], op: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], rule: Callable[..., Any]
    ) -> Any:
        """Run ``rule`` and compare its results. Raises RangeError or InaccuracyError, at all parties alike."""
        if self._inside or plain.is_view(op):
            return conformed(kind, op, args, kwargs, rule(self._protocol, *args, **kwargs))
        self._inside = True
        try:
            with torch.inference_mode(False), torch.no_grad():
                watch = _Watch(self, op, args, kwargs)
            fault: Fault | None = None
            try:
                result = conformed(kind, op, args, kwargs, rule(self._protocol, *args, **kwargs))
            except RangeError as error:
                fault = Fault(str(error), beyond=True)
            if fault is not None:
                self.refuse(short_name(op), fault)
            with torch.inference_mode(False), torch.no_grad():
                watch.compare(result)
            return result
        finally:
            self._inside = False

    # ---------------------------------------------------------------- values

    def opened(self, share: Share) -> _Opened:
        """The whole storage of ``share`` as it is now."""
        storage = share.storage
        found = self._opened.get(storage)
        if found is None or found.epoch != storage.epoch:
            found = _Opened(storage.epoch, storage.scale, opened(self._protocol, share.whole()))
            self._opened[storage] = found
        return found

    def ideal(self, secret: Secret) -> Tensor:
        """The shadow of a secret, as a view of the memory where it lies; its own value if it has none yet."""
        share, dtype = secret._share, plain.wide(secret.dtype)
        flat = self._ideal.get(share.storage)
        if flat is None:
            flat = self._ideal[share.storage] = self.opened(share).decoded(dtype)
        if flat.dtype != dtype:
            flat = flat.to(dtype)
        return flat.as_strided(*share.geometry)

    def _store(self, share: Share, value: Tensor) -> None:
        flat = self._ideal.get(share.storage)
        if flat is None:
            flat = self._ideal[share.storage] = torch.zeros(share.storage_numel, dtype=value.dtype)
        flat.as_strided(*share.geometry).copy_(value)

    # ---------------------------------------------------------------- verdicts

    def judge(self, name: str, secret: Secret, versions: _Versions) -> None:
        """Compare one result, and let its shadow be what it ought to be."""
        share, frac_bits = secret._share, self._protocol.settings.frac_bits
        own = self.opened(share).decoded(secret.dtype).as_strided(*share.geometry)
        wanted, ideal = versions.wanted, versions.ideal
        if wanted is None or wanted.shape != own.shape or wanted.dtype != own.dtype:
            self._store(share, own)
            return
        if versions.finite:
            self._tell_of_poles(name, own, wanted)
        fault = compare.overflow(name, wanted, share.scale, share.storage.pending) if share.storage.unit else None
        if fault is None:
            fault = self._wrong(name, own, wanted, versions)
        real = own.dtype.is_floating_point
        if ideal is None or ideal.shape != own.shape or not real:
            ideal = own
        ideal = torch.where(ideal.isfinite() & wanted.isfinite(), ideal, own) if real else ideal
        drifted = compare.drifted(own, ideal, frac_bits) if real else torch.zeros((), dtype=torch.bool)
        if fault is None and bool(drifted.any()):
            if name in compare.JUMPING:
                ideal = torch.where(drifted, own, ideal)
            elif not place.in_backward():  # steps of a gradient may amplify what its end does not: that is compared
                fault = _drift(drifted, own, ideal)
        if fault is not None:
            self.refuse(name, fault)
        self._store(share, own if versions.anew else ideal)

    def revealed(self, secret: Secret) -> None:
        """Compare what is about to be revealed with its course. Raises InaccuracyError, at all parties alike."""
        if self._inside or not secret.dtype.is_floating_point:
            return
        with torch.inference_mode(False), torch.no_grad():
            share = secret._share
            own = self.opened(share).decoded(secret.dtype).as_strided(*share.geometry)
            ideal = self.ideal(secret)
            drifted = compare.drifted(own, ideal, self._protocol.settings.frac_bits)
            if bool(drifted.any()):
                self.refuse("reveal", _drift(drifted, own, ideal))

    def _wrong(self, name: str, own: Tensor, wanted: Tensor, versions: _Versions) -> Fault | None:
        """Whether a result is not what the operation gives for its arguments, nor for any a unit or two away."""
        frac_bits = self._protocol.settings.frac_bits
        off = compare.off(name, own, wanted, frac_bits)
        if not bool(off.any()):
            return None
        off = off & compare.outside(own, [wanted, *versions.nearby()], frac_bits)
        return Fault(f"gives {compare.first(off, own, wanted)}. {_WRONG}") if bool(off.any()) else None

    def _tell_of_poles(self, name: str, own: Tensor, wanted: Tensor) -> None:
        """Warn, once for each place, of results that are no numbers in PyTorch: ``1 / 0``, ``log(-1)``."""
        poles = compare.poles(own, wanted)
        if poles is None:
            return
        where = place.described(name.rstrip("_"))
        if where not in self._told:
            self._told.add(where)
            _log.warning(f"{where} is outside its domain: it {poles}. {_POLES}")

    def refuse(self, name: str, fault: Fault) -> NoReturn:
        """Raise what was found, at all parties."""
        party, channel = self._protocol.party, self._protocol.channel
        where = place.described(name.rstrip("_"))
        with suppress(TacitError):  # nobody ends the session before all have seen the same
            for rank in party.others():
                channel.send_object(rank, "found")
            for rank in party.others():
                channel.receive_object(rank)
        if fault.beyond:
            raise RangeError(f"{where}: {fault.text}. {_OVERFLOWS}")
        raise InaccuracyError(f"{where} {fault.text}")


def _drift(where: Tensor, own: Tensor, ideal: Tensor) -> Fault:
    return Fault(f"gives {compare.first(where, own, ideal)}, by rounding on the way. {_DRIFTS}")


@dataclass(frozen=True)
class _Versions:
    """A result in plain: for the arguments as they were, for their shadows, and for some a unit or two away.

    anew: its course begins here, with what it is. So it is with the steps of a training, of which rounding makes, as
    any small change does, another one in time, no worse. finite: what is no number in the result comes from secrets,
    which are numbers, and not from a public infinity.
    """

    wanted: Tensor | None
    ideal: Tensor | None
    nearby: Callable[[], list[Tensor]]
    anew: bool = False
    finite: bool = True


class _Watch:
    """One operation: its arguments as they were before it, and its results in plain afterwards."""

    def __init__(self, shadows: Shadows, op: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._shadows, self._op, self._args, self._kwargs = shadows, op, args, kwargs
        self._name = short_name(op)
        self._secrets = list(_secrets((args, kwargs)))
        self._before = {id(x): (x._share, shadows.opened(x._share)) for x in self._secrets}
        self._shares = {id(x): x._share.storage for x in self._secrets}
        self._shadow = {id(x): shadows.ideal(x) for x in self._secrets}
        self._check_squares()
        self._written = [x for i in plain.writes(op) if i < len(args) for x in _secrets(args[i])]

    def compare(self, result: Any) -> None:
        """Compare every new result and everything that was written."""
        written = {id(x) for x in self._written}
        old = {id(storage) for storage in self._shares.values()}
        found = [(i, x) for i, x in enumerate(_tensors(result)) if isinstance(x, Secret) and id(x) not in written]
        found = [(i, x) for i, x in found if id(x._share.storage) not in old]
        if not found and not written:
            return
        wanted, wanted_written = self._computed(self._decoded(None))
        ideal, ideal_written = self._computed(self._shadow)
        draws: list[tuple[list[Tensor | None], list[Tensor]]] = []

        def nearby(pick: Callable[[tuple[list[Tensor | None], list[Tensor]]], Tensor | None]) -> list[Tensor]:
            if not draws:
                draws.extend(self._computed(self._decoded(k), k) for k in range(_DRAWS))
            return [value for draw in draws if (value := pick(draw)) is not None]

        finite = all(_is_finite(value) for value in tree_leaves((self._args, self._kwargs)))
        for i, x in found:
            versions = _Versions(
                _at(wanted, i),
                _at(ideal, i),
                lambda i=i: nearby(lambda draw: _at(draw[0], i)),  # type: ignore[misc]
                finite=finite,
            )
            self._shadows.judge(self._name, x, versions)
        for i, x in enumerate(self._written):
            versions = _Versions(
                _at(wanted_written, i),
                _at(ideal_written, i),
                lambda i=i: nearby(lambda draw: _at(draw[1], i)),  # type: ignore[misc]
                (x.requires_grad and x.is_leaf) or place.in_step(),
                finite,
            )
            self._shadows.judge(self._name, x, versions)

    def _check_squares(self) -> None:
        if self._name not in SQUARING | LENGTHS:
            return
        shadows = self._shadows
        held = self._decoded(None)
        args = plain.arguments(shadows._protocol, self._op, self._args, lambda x: held[id(x)], lambda value: value)
        fault = compare.squares_overflow(self._name, args, shadows._protocol.settings.frac_bits)
        if fault is not None:
            shadows.refuse(self._name, fault)

    def _decoded(self, draw: int | None) -> dict[int, Tensor]:
        """The arguments as they were, by identity; in ``draw``, a unit or two away."""
        flats: dict[tuple[int, torch.dtype], Tensor] = {}
        out = {}
        for x in self._secrets:
            share, was = self._before[id(x)]
            key = (id(share.storage), x.dtype)
            if key not in flats:
                flat = was.decoded(x.dtype)
                if draw is not None and flat.dtype.is_floating_point:
                    unit = 2.0**-self._shadows._protocol.settings.frac_bits
                    flat += _signs(flat, draw) * (_SECRET_NOISE * unit + _PUBLIC_NOISE / 8 * flat.abs())
                flats[key] = flat
            out[id(x)] = flats[key].as_strided(*share.geometry)
        return out

    def _computed(self, held: dict[int, Tensor], draw: int | None = None) -> tuple[list[Tensor | None], list[Tensor]]:
        """What PyTorch gives, and what is then in the arguments that are written to. Nothing if it cannot."""

        def noise(value: Tensor) -> Tensor:
            if draw is None or not value.numel():
                return value
            return value + _signs(value, draw + 1) * (_PUBLIC_NOISE * value.abs().amax())

        protocol = self._shadows._protocol
        args, kwargs = (
            plain.arguments(protocol, self._op, values, lambda x: held[id(x)], noise)
            for values in (self._args, self._kwargs)
        )
        try:
            out = plain.computed(self._op, args, kwargs)
        except Exception:  # whatever it is, the secret's own value stands
            self._shadows.unknown.add(str(self._op))
            return [], []
        return list(_tensors(out)), [held[id(x)] for x in self._written]


def _is_finite(value: Any) -> bool:
    if isinstance(value, Tensor) and not isinstance(value, Secret):
        return bool(value.detach().isfinite().all())
    return not isinstance(value, float) or math.isfinite(value)


def _secrets(values: Any) -> Iterator[Secret]:
    if isinstance(values, Secret):
        yield values
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _secrets(value)
    elif isinstance(values, dict):
        yield from _secrets(tuple(values.values()))


def _tensors(values: Any) -> Iterator[Tensor | None]:
    """The results in order, with None where there is none."""
    if values is None or isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)


def _at(values: Sequence[Tensor | None], index: int) -> Tensor | None:
    return values[index] if index < len(values) else None


def _signs(value: Tensor, draw: int) -> Tensor:
    """All plus, all minus, or at random; the same at all parties, and nothing to PyTorch's own generator."""
    if draw < 2:
        return torch.full((), 1.0 - 2 * draw, dtype=torch.float64)
    generator = torch.Generator().manual_seed(draw)
    return torch.randint(0, 2, value.shape, generator=generator).double() * 2 - 1
