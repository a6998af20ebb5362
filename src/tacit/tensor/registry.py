"""The one table of operations on secrets. An operation that is not in it is refused, never passed through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from torch._ops import OpOverload

from tacit.errors import InternalError

Rule = Callable[..., Any]
"""Called with the protocol and then the operation's own arguments."""

_F = TypeVar("_F", bound=Rule)


class Entry(NamedTuple):
    """What the table says about an operation. ``silent``: it computes nothing and leaves no trace in the transcript."""

    name: str
    rule: Rule
    silent: bool


_table: dict[OpOverload, Entry] = {}


def rule(*ops: OpOverload, silent: bool = False) -> Callable[[_F], _F]:
    """Enter a function into the table as the rule of each of ``ops``."""

    def enter(function: _F) -> _F:
        for op in ops:
            if op in _table:
                raise InternalError(f"{op} has two rules")
            _table[op] = Entry(short_name(op), function, silent)
        return function

    return enter


def find(op: OpOverload) -> Entry | None:
    """The entry of ``op``, or None."""
    return _table.get(op)


def registered() -> tuple[OpOverload, ...]:
    """All operations that have a rule."""
    return tuple(_table)


def short_name(op: OpOverload) -> str:
    """``add`` for ``aten.add.Tensor``: what messages, profiles and transcripts show."""
    return str(op._schema.name.split("::")[-1])
