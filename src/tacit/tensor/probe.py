"""A stand-in for a secret that has a shape and no value: it finds out which operations a program would ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from tacit.caller import caller_line
from tacit.errors import MisuseError
from tacit.tensor import registry
from tacit.tensor.caught import CAUGHT


class Met(NamedTuple):
    """An operation as a program asked for it. verdict: "rule", "no rule" or "discloses"."""

    op: str
    module: str
    line: str
    verdict: str


class Log:
    """What probes met, and the module that is running."""

    def __init__(self) -> None:
        self.met: Counter[Met] = Counter()
        self.module = ""

    def note(self, op: OpOverload, verdict: str) -> None:
        """One more time."""
        self.met[Met(str(op), self.module, caller_line(), verdict)] += 1


class Probe(Tensor):
    """Outside a tensor of a shape and type, inside one of PyTorch's meta tensors: nothing is computed."""

    _inner: Tensor
    _log: Log

    @staticmethod
    def __new__(cls, inner: Tensor, log: Log, requires_grad: bool = False) -> Probe:
        out: Probe = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            inner.stride(),
            inner.storage_offset(),
            dtype=inner.dtype,
            device=torch.device("cpu"),
            requires_grad=requires_grad,
        )
        out._inner = inner
        out._log = log
        return out

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        replacement = CAUGHT.get(function)
        if replacement is not None:
            return replacement(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **kwargs) if kwargs else function(*args)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, op: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        log = _log_of((args, kwargs))
        entry = registry.find(op)
        if entry is None:
            composed = op.decompose(*args, **kwargs)
            if composed is not NotImplemented:
                return composed
        discloses = entry is not None and entry.rule.__module__.endswith(".leaks")
        log.note(op, "no rule" if entry is None else "discloses" if discloses else "rule")
        inner = op(*tree_map_only(Tensor, _on_meta, args), **tree_map_only(Tensor, _on_meta, _without_device(kwargs)))
        if op._schema.name.endswith("_") and isinstance(args[0], Probe):
            return args[0]
        return tree_map_only(Tensor, lambda value: cls(value, log), inner)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"<probe {str(self.dtype).removeprefix('torch.')} {tuple(self.shape)}>"


def _on_meta(value: Tensor) -> Tensor:
    return value._inner if isinstance(value, Probe) else value.to("meta")


def _without_device(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in kwargs.items() if key != "device"}


def _log_of(values: Any) -> Log:
    found: list[Log] = []
    tree_map_only(Probe, lambda probe: found.append(probe._log), values)
    if not found:
        raise MisuseError(f"An operation at {caller_line()} met no probe: one was freed or changed from outside.")
    return found[0]
