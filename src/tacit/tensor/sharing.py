"""How a plain tensor becomes a secret, and a secret a plain tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import EncodingError, FrameError, InputRefusedError, MisuseError
from tacit.party import Party
from tacit.profile.ledger import Ledger
from tacit.protocols._base import Protocol
from tacit.ring.fixed_point import decode, encode
from tacit.tensor.operands import unit_of
from tacit.tensor.secret import Secret

_TYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
        *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool),
    )
}
_MAX_DIMS = 64


def rank_of(party: Party, owner: str) -> int:
    """The rank of the party named ``owner``. Raises MisuseError, listing the parties, if there is none."""
    if owner not in party.names:
        names = ", ".join(repr(name) for name in party.names)
        raise MisuseError(f"{owner!r} (at {caller_line()}) is not a party of this session. The parties are {names}.")
    return party.names.index(owner)


def share_tensor(protocol: Protocol, value: Any, owner: str) -> Secret:
    """Make a secret of a value that ``owner`` has.

    value: a tensor, numpy array, number or list at the owner; elsewhere None, or a tensor of the same shape and dtype (its
    content is not used). Shape, dtype and requires_grad travel from the owner; the value does not: one round, and no
    bytes but those. Raises EncodingError at the owner for values beyond the range, NaN or infinite; InputRefusedError
    elsewhere.
    """
    party, channel = protocol.party, protocol.channel
    rank = rank_of(party, owner)
    if isinstance(value, Secret):
        raise MisuseError(f"tacit.secret at {caller_line()}: this is a secret already.")
    channel.transcript.begin("secret", f"of {owner}")
    with channel.meter.op("secret"):
        if party.rank == rank:
            return _shared_by_me(protocol, value, owner)
        outline = channel.receive_object(rank)
        shape, dtype, requires_grad = parse_outline(outline, owner)
        if value is not None:
            _check_same(_as_tensor(value), shape, dtype, owner)
        share = protocol.share(None, rank, shape, unit_of(protocol, dtype), dtype == torch.bool)
        return Secret(protocol, share, dtype).requires_grad_(requires_grad)


def _shared_by_me(protocol: Protocol, value: Any, owner: str) -> Secret:
    party, channel = protocol.party, protocol.channel
    try:
        if value is None:
            raise MisuseError(
                f"tacit.secret(None, owner={owner!r}) at {caller_line()}: the owner itself must have a value."
            )
        tensor = _as_tensor(value)
        ring = encoded(protocol, tensor)
    except Exception:
        for other in party.others():
            channel.send_object(other, {"refused": True})
        raise
    if isinstance(value, float):
        tensor = tensor.to(torch.get_default_dtype())
    outline = outline_of(tensor)
    for other in party.others():
        channel.send_object(other, outline)
    unit = unit_of(protocol, tensor.dtype)
    share = protocol.share(ring, party.rank, tuple(tensor.shape), unit, tensor.dtype == torch.bool)
    return Secret(protocol, share, tensor.dtype).requires_grad_(tensor.requires_grad)


def encoded(protocol: Protocol, value: Tensor) -> Tensor:
    """Ring integers (or bits) of a plain tensor. Raises EncodingError."""
    if value.dtype not in _TYPES.values():
        raise EncodingError(f"A secret cannot be {value.dtype}. Convert it to one of {', '.join(_TYPES)} first.")
    return (
        value.detach().clone() if value.dtype == torch.bool else encode(value.detach(), unit_of(protocol, value.dtype))
    )


def outline_of(value: Tensor) -> dict[str, Any]:
    """What the others must know of a secret: shape, dtype, whether it wants a gradient."""
    return {
        "shape": list(value.shape),
        "dtype": str(value.dtype).removeprefix("torch."),
        "requires_grad": value.requires_grad,
    }


def parse_outline(outline: Any, owner: str) -> tuple[tuple[int, ...], torch.dtype, bool]:
    """Read what ``owner`` says of its input. Raises InputRefusedError, or FrameError for anything unexpected."""
    if isinstance(outline, Mapping) and outline.get("refused") is True:
        raise InputRefusedError(
            f"'{owner}' refused its own input to tacit.secret at {caller_line()}; only it knows why.", owner
        )
    try:
        shape, dtype, requires_grad = outline["shape"], _TYPES[outline["dtype"]], outline["requires_grad"]
        legal = (
            len(shape) <= _MAX_DIMS and all(type(n) is int and n >= 0 for n in shape) and type(requires_grad) is bool
        )
    except (TypeError, KeyError):
        legal = False
    if not legal:
        raise FrameError(f"'{owner}' sent something that describes no input.", owner)
    return tuple(shape), dtype, requires_grad


def _check_same(value: Tensor, shape: tuple[int, ...], dtype: torch.dtype, owner: str) -> None:
    if tuple(value.shape) != shape or value.dtype != dtype:
        raise MisuseError(
            f"tacit.secret at {caller_line()}: '{owner}' owns a tensor of shape {shape} and {dtype}, but here a tensor of shape "
            f"{tuple(value.shape)} and {value.dtype} was given. Give None, or a tensor of the same shape and dtype."
        )


def _as_tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, float):
        return torch.tensor(value, dtype=torch.float64)
    if isinstance(value, numpy.generic | numpy.ndarray):
        return torch.from_numpy(numpy.array(value))
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        raise MisuseError(
            f"tacit.secret at {caller_line()} takes a tensor, a numpy array, a number or a list of numbers, got "
            f"{type(value).__name__}."
        ) from None


def reveal_tensor(protocol: Protocol, ledger: Ledger, x: Any, to: str | None = None) -> Any:
    """Disclose a secret to the party named ``to``, or to all (None); the ledger records it.

    Returns a plain tensor where it was disclosed, None elsewhere; anything that is no secret comes back as it is. One round
    and 64 bits an element (1 for bits) to each receiver, and the truncation of a pending value.
    """
    party, channel = protocol.party, protocol.channel
    rank = None if to is None else rank_of(party, to)
    if not isinstance(x, Secret):
        return x
    if x._protocol is not protocol:
        raise MisuseError(f"tacit.reveal at {caller_line()}: this secret belongs to another session.")
    shape = "x".join(map(str, x.shape)) or "scalar"
    channel.transcript.begin("reveal", f"{shape} to {to or 'all'}")
    ledger.record(tuple(x.shape), x.dtype, party.names if to is None else to, caller_line())
    with channel.meter.op("reveal"):
        share = x._share
        value = protocol.reveal(share, rank)
    if value is None or share.storage.boolean:
        return value
    return decode(value, share.scale, x.dtype)
