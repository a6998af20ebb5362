"""What may stand in a cluster file, as a list: made of the models, for messages, variables and the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tacit.config.models import ClusterFile, Says
from tacit.config.positions import Path
from tacit.config.settings_table import choices

ANY_NAME = "*"
"""Stands in a path for the names that the file itself chooses."""

_PLAIN = {
    bool: ("true or false", "true"),
    int: ("a whole number", "16"),
    float: ("a number", "60"),
    str: ("text", '"..."'),
}


@dataclass(frozen=True)
class Entry:
    """One key. kind: ``dict`` of a table, else the type of its value where that is a plain one. default: as in TOML."""

    path: tuple[str, ...]
    kind: type
    expects: str
    example: str
    default: str | None
    description: str

    @property
    def required(self) -> bool:
        """Whether it must be there."""
        return self.default is None


def entries(model: type[BaseModel] = ClusterFile, prefix: tuple[str, ...] = ()) -> Iterator[Entry]:
    """All keys, each table before what is in it."""
    for name, field in model.model_fields.items():
        yield from _entries((*prefix, name), field.annotation, list(field.metadata), field)


def entry_at(path: Path) -> Entry | None:
    """The entry that ``path`` of a file belongs to."""
    found = None
    for entry in entries():
        if len(entry.path) == len(path) and all(
            part in (ANY_NAME, key) for part, key in zip(entry.path, path, strict=True)
        ):
            found = entry if found is None or ANY_NAME in found.path else found
    return found


def keys_of(path: Path) -> list[str]:
    """The keys that the table at ``path`` may have; none if it takes any name."""
    inside = [
        entry.path[-1]
        for entry in entries()
        if len(entry.path) == len(path) + 1
        and all(part in (ANY_NAME, key) for part, key in zip(entry.path, path, strict=False))
    ]
    return [] if ANY_NAME in inside else list(dict.fromkeys(inside))


def _entries(path: tuple[str, ...], hint: Any, metadata: list[Any], field: FieldInfo | None) -> Iterator[Entry]:
    while get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        metadata = [*metadata, *more]
    said = next((one for one in metadata if isinstance(one, Says)), None)
    if get_origin(hint) in (Union, UnionType) and said is None:
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
        yield from _entries(path, hint, metadata, field)
        return
    table = get_origin(hint) is dict or (isinstance(hint, type) and issubclass(hint, BaseModel))
    if said:
        expects, example = said.expects, said.example
    elif table:
        expects, example = f"a table: [{'.'.join(path)}]", ""
    elif few := choices(path[-1]):
        expects, example = "one of " + ", ".join(f'"{one}"' for one in few), f'"{few[0]}"'
    else:
        expects, example = _PLAIN[hint]
        if field is not None and not field.is_required():
            example = toml(field.default)
    kind = dict if table and not said else hint if hint in _PLAIN else str
    yield Entry(path, kind, expects, example, _default(field, table), (field.description or "") if field else "")
    if get_origin(hint) is dict:
        yield from _entries((*path, ANY_NAME), get_args(hint)[1], [], None)
    elif table:
        yield from entries(hint, path)


def _default(field: FieldInfo | None, table: bool) -> str | None:
    if field is None or field.is_required():
        return None
    return "" if table or field.default is None else toml(field.default)


def toml(value: bool | int | float | str) -> str:
    """A plain value as it is written."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
