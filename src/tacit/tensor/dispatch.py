"""From an operation on secrets to its rule: find the protocol, note the step in the transcript, count the cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from tacit.caller import caller_line
from tacit.errors import MisuseError, PeerError, UnsupportedOpError
from tacit.protocols._base import Protocol
from tacit.tensor import registry
from tacit.tensor.geometry import conformed
from tacit.tensor.hints import HINTS, never
from tacit.tensor.kinds import promoted
from tacit.tensor.nothing import of_nothing


def dispatch(kind: type[Any], op: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run ``op``, some of whose arguments are secrets (of type ``kind``)."""
    tensors = list(_tensors(args)) if not kwargs else [*_tensors(args), *_tensors(kwargs.values())]
    protocol = _protocol(kind, op, tensors)
    _refuse_plain_target(kind, op, args, kwargs)
    entry = registry.find(op)
    if entry is None:
        return _decomposed(op, args, kwargs)
    if entry.silent:
        return entry.rule(protocol, *args, **kwargs)
    channel = protocol.channel
    channel.transcript.begin(entry.name, _describe(args, kwargs))
    elsewhere = False
    for tensor in tensors:
        if not isinstance(tensor, kind):
            channel.transcript.public(tensor)
            elsewhere |= not tensor.is_cpu
    if elsewhere:
        args, kwargs = _on_cpu(kind, args), _on_cpu(kind, kwargs)
    with channel.meter.op(entry.name):
        try:
            return _computed(kind, protocol, op, entry.rule, tensors, args, kwargs)
        except PeerError:
            raise
        except Exception as error:
            # Where one party only raises, and its program goes on, the parties would be at different masks and open
            # what means nothing. Noted, it is a divergence at the next exchange.
            channel.transcript.failed(entry.name, type(error).__name__)
            raise


def _computed(
    kind: type[Any],
    protocol: Protocol,
    op: OpOverload,
    rule: registry.Rule,
    tensors: list[Tensor],
    args: Any,
    kwargs: Any,
) -> Any:
    args, kwargs = promoted(kind, op, tensors, args, kwargs)
    found = of_nothing(kind, protocol, op, tensors, args, kwargs)
    if found is not None:
        return found
    if protocol.shadows is not None:
        return protocol.shadows.watched(kind, op, args, kwargs, rule)
    return conformed(kind, op, args, kwargs, rule(protocol, *args, **kwargs))


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _on_cpu(kind: type[Any], values: Any) -> Any:
    """The same with plain tensors from other devices on the CPU, where every party computes with what is public."""
    return tree_map_only(Tensor, lambda tensor: tensor if isinstance(tensor, kind) else tensor.cpu(), values)


def _protocol(kind: type[Any], op: OpOverload, tensors: Sequence[Tensor]) -> Protocol:
    found: Protocol | None = None
    for tensor in tensors:
        if isinstance(tensor, kind):
            protocol: Protocol = tensor._protocol
            if found is None:
                found = protocol
            elif protocol is not found:
                raise MisuseError(
                    f"{registry.short_name(op)} at {caller_line()} meets secrets of two sessions. A secret lives and "
                    "ends with the session that made it: reveal it there and share it anew here."
                )
    if found is None:
        raise _unsupported(op)
    return found


def _describe(args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    """The arguments as all parties must have them: shapes of tensors, values of numbers."""
    described = [_describe_one(arg) for arg in args]
    described.extend(f"{key}={_describe_one(value)}" for key, value in kwargs.items() if value is not None)
    return ", ".join(described)


def _describe_one(value: Any) -> str:
    if isinstance(value, Tensor):
        return "x".join(map(str, value.shape)) or "scalar"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_describe_one, value)) + "]"
    return repr(value)


def _refuse_plain_target(kind: type[Any], op: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    for position, name in _written(op):
        target = kwargs.get(name) if name in kwargs else args[position] if position < len(args) else None
        for tensor in _tensors((target,)):
            if not isinstance(tensor, kind):
                raise MisuseError(
                    f"{op} at {caller_line()} would write a secret into a plain tensor, which cannot hold it. Make the "
                    "target from a secret (x.new_zeros(shape), torch.zeros_like(x)), use the operation that returns a "
                    "new tensor, or turn the target into the secret with torch.utils.swap_tensors(target, secret)."
                )


@cache
def _written(op: OpOverload) -> tuple[tuple[int, str], ...]:
    """Positions and names of the arguments that ``op`` writes to."""
    arguments = enumerate(op._schema.arguments)
    return tuple((i, a.name) for i, a in arguments if a.alias_info is not None and a.alias_info.is_write)


def _decomposed(op: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run what PyTorch composes of other operations (linear, matmul, to, ...) as that composition.

    Usually autograd has taken it apart before; under ``torch.inference_mode`` and inside rules it arrives whole.
    """
    result = op.decompose(*args, **kwargs)
    if result is NotImplemented:
        raise _unsupported(op)
    return result


def _unsupported(op: OpOverload) -> UnsupportedOpError:
    name = registry.short_name(op)
    if why := never(name):
        return UnsupportedOpError(f"{name} at {caller_line()}: {why}")
    hint = HINTS.get(name, "")
    return UnsupportedOpError(
        f"{op} has no rule for secrets yet (called at {caller_line()}). {hint + ' ' if hint else ''}"
        "To add one, write a function under tacit/tensor/rules/, mark it with @rule(torch.ops."
        f"{op}) and give it samples in tacit/testing/samples/: the parity test then covers it."
    )
