"""How a plain tensor becomes a secret, and a secret a plain tensor."""

from __future__ import annotations

from typing import Any

import numpy
import torch
from torch import Tensor

from tacit.caller import caller_line, caller_place
from tacit.disclosure.disclosure import Disclosure
from tacit.errors import MisuseError, TacitError
from tacit.party import Party
from tacit.profile.ledger import Ledger
from tacit.protocols._base import Protocol
from tacit.ring.device.staging import to_host
from tacit.ring.fixed_point import decode, encode
from tacit.tensor.operands import unit_of
from tacit.tensor.outline import Outline, announce, heard
from tacit.tensor.secret import Secret
from tacit.tensor.unfit import refuse_unfit
from tacit.transport.failure import blame, refusal_of

LABEL_LENGTH = 64
"""The most letters of a label."""


def rank_of(party: Party, name: str) -> int:
    """The rank of the party called ``name``. Raises MisuseError, listing the parties, if there is none."""
    if name not in party.names:
        names = ", ".join(repr(known) for known in party.names)
        raise MisuseError(f"{name!r} (at {caller_line()}) is not a party of this session. The parties are {names}.")
    return party.names.index(name)


def share_tensor(protocol: Protocol, value: Any, owner: str) -> Secret:
    """Make a secret of a value that ``owner`` has.

    value: a tensor, numpy array, number or list at the owner; elsewhere None, or a tensor of the same shape and dtype
    (its content is not used). Shape, strides, dtype and requires_grad travel from the owner; the value does not: one
    round, and no bytes but those. Raises EncodingError at the owner for values beyond the range, NaN or infinite, and
    InputRefusedError elsewhere.
    """
    rank_of(protocol.party, owner)
    if isinstance(value, Secret):
        raise MisuseError(f"tacit.secret at {caller_line()}: this is a secret already.")
    channel = protocol.channel
    channel.transcript.begin("secret", f"of {owner}")
    with channel.meter.op("secret"):
        if protocol.party.name == owner:
            outline, ring, plain = announce(protocol, lambda: _prepared(protocol, value))
        else:
            outline, ring, plain = Outline.from_json(heard(protocol, owner), owner), None, None
            _check_same(value, outline, owner)
        return shared(protocol, ring, outline, owner, plain)


def shared(
    protocol: Protocol, ring: Tensor | None, outline: Outline, owner: str, plain: Tensor | None = None
) -> Secret:
    """A secret of the ring integers (or bits) that ``owner`` has and gives away; None elsewhere.

    plain: the value itself at the owner, which a debug session tells the others.
    """
    rank, boolean = rank_of(protocol.party, owner), outline.dtype == torch.bool
    shape, stride = outline.shape, outline.stride
    order = sorted(range(len(shape)), key=lambda d: (-stride[d], d))  # as they lie in memory
    there = tuple(shape[d] for d in order)
    if ring is not None:
        ring = ring.permute(order).contiguous()
    share = protocol.share(ring, rank, there, unit_of(protocol, outline.dtype), boolean, moved=True)
    if share.parts[0].stride() != stride:
        share = share.view(lambda part: part.as_strided(shape, stride))
    out = Secret(protocol, share, outline.dtype)
    if protocol.shadows is not None:
        protocol.shadows.begin(out, plain, rank)
    out.requires_grad_(outline.requires_grad)
    return out


def encoded(protocol: Protocol, value: Tensor) -> Tensor:
    """Ring integers (or bits) of a plain tensor. Raises EncodingError."""
    refuse_unfit(value)
    value = value.detach()
    return value.clone() if value.dtype == torch.bool else encode(value, unit_of(protocol, value.dtype))


def _prepared(protocol: Protocol, value: Any) -> tuple[Any, tuple[Outline, Tensor, Tensor]]:
    if value is None:
        name = protocol.party.name
        raise MisuseError(f"tacit.secret(None, owner={name!r}) at {caller_line()}: the owner itself must have a value.")
    tensor = _as_tensor(value)
    refuse_unfit(tensor)
    outline = Outline.of(tensor)
    if type(value) is float:  # encoded in full, but of PyTorch's default type
        outline = outline._replace(dtype=torch.get_default_dtype())
    return outline.to_json(), (outline, encoded(protocol, tensor), tensor)


def _check_same(value: Any, outline: Outline, owner: str) -> None:
    """Compare what a party that is not the owner gave with the owner's tensor."""
    if value is None:
        return
    tensor = _as_tensor(value)
    if tuple(tensor.shape) != outline.shape or tensor.dtype != outline.dtype:
        raise MisuseError(
            f"tacit.secret at {caller_line()}: '{owner}' owns a tensor of shape {outline.shape} and {outline.dtype}, "
            f"but here one of shape {tuple(tensor.shape)} and {tensor.dtype} was given. Give None, or one that agrees."
        )


def _as_tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, numpy.generic | numpy.ndarray):  # before float: numpy.float64 is one
        return torch.from_numpy(numpy.array(value))
    if isinstance(value, float):
        return torch.tensor(value, dtype=torch.float64)
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        raise MisuseError(
            f"tacit.secret at {caller_line()} takes a tensor, a numpy array, a number or a list of numbers, got "
            f"{type(value).__name__}."
        ) from None


def _check_label(label: str) -> None:
    if not isinstance(label, str) or len(label) > LABEL_LENGTH or not (label + "x").isprintable():
        raise MisuseError(
            f"tacit.reveal at {caller_line()}: a label is a text of at most {LABEL_LENGTH} letters, in one line and "
            "the same at all parties."
        )


def reveal_tensor(protocol: Protocol, ledger: Ledger, x: Any, to: str | None = None, label: str = "") -> Any:
    """Disclose a secret to the party named ``to``, or to all (None); the ledger records it, under ``label``.

    Returns a plain tensor where it was disclosed, None elsewhere; anything that is no secret comes back as it is. One
    round and 64 bits an element (1 for bits) to each receiver, and the truncation of a pending value. Raises
    PolicyError, before anything of it is sent, if this party's policy does not allow it: the session ends.
    """
    party, channel = protocol.party, protocol.channel
    rank = None if to is None else rank_of(party, to)
    _check_label(label)
    if not isinstance(x, Secret):
        return x
    if x._protocol is not protocol:
        raise MisuseError(f"tacit.reveal at {caller_line()}: this secret belongs to another session.")
    shape = "x".join(map(str, x.shape)) or "scalar"
    channel.transcript.begin("reveal", f"{shape} to {to or 'all'}{f' as {label}' if label else ''}")
    dtype, receivers = str(x.dtype).removeprefix("torch."), party.names if to is None else (to,)
    number, op, (file, line, function) = len(ledger) + 1, channel.transcript.op, caller_place()
    try:
        ledger.enter(Disclosure(number, op, label, tuple(x.shape), dtype, receivers, file, line, function))
    except TacitError as error:  # at once: a job that catches it must not go on to another reveal
        channel.transport.abort(*blame(error, party.name), refusal_of(error))
        raise
    with channel.meter.op("reveal"):
        if protocol.shadows is not None:
            protocol.shadows.revealed(x)
        share = x._share
        value = protocol.reveal(share, rank)
    if value is None:
        return None
    return to_host(value if share.storage.boolean else decode(value, share.scale, x.dtype))
