"""Settings from text: the options of the command line and the [settings] table of a cluster file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from tacit.errors import MisuseError
from tacit.settings import Settings

_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Settings)}


def make_settings(values: Mapping[str, Any]) -> Settings:
    """Settings with some values given by name; texts become numbers where numbers belong. Raises MisuseError."""
    return Settings(**{name: _converted(name, value) for name, value in values.items()})


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """``["frac_bits=20"]`` as ``{"frac_bits": "20"}``. Raises MisuseError."""
    parsed = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise MisuseError(f"--set takes NAME=VALUE, for example --set frac_bits=20, got {assignment!r}.")
        parsed[name.strip().replace("-", "_")] = value.strip()
    return parsed


def _switch(name: str, value: Any) -> bool:
    said = {"true": True, "false": False}.get(str(value).lower())
    if said is None:
        raise MisuseError(f"the setting {name} must be true or false, got {value!r}.")
    return said


def _converted(name: str, value: Any) -> Any:
    if name not in _DEFAULTS:
        raise MisuseError(f"there is no setting {name!r}. The settings are {', '.join(_DEFAULTS)}.")
    kind = type(_DEFAULTS[name])
    if kind is bool:
        return _switch(name, value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MisuseError(f"the setting {name} cannot be {value!r}.")
    if kind is str and isinstance(value, str):
        return value
    try:
        return kind(value) if isinstance(value, str) or kind is float else value
    except ValueError:
        raise MisuseError(f"the setting {name} must be a number, got {value!r}.") from None
