"""The [settings] table: a model made of ``tacit.Settings``, so that a new setting is in it by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, create_model

from tacit.errors import MisuseError
from tacit.settings import Settings

# What docs/configuration.md says; a test asks for a line for each setting.
MEANINGS = {
    "frac_bits": "Bits after the point, 4 to 24.",
    "compare_bits": "Width of comparisons, `frac_bits` + 8 to 64: less is cheaper and allows smaller values only.",
    "truncation": 'After products: the floor or one more, unbiased; `"exact"`: to nearest, at more cost.',
    "randomness": 'Where correlated random numbers come from; `"directory"`: dealt ahead of time.',
    "protocol": '`"plaintext"` has no secrecy.',
    "generator": "What expands seeds.",
    "debug": "For tests only: every party sees every value.",
    "connect_timeout": "Seconds to wait for the others at the start. Each host may have its own.",
    "heartbeat_timeout": "Seconds without a sign of life until a node counts as frozen. Each host may have its own.",
    "reconnect_timeout": "Seconds that a broken link may take to come back; 0, at all nodes or none: it ends all.",
}

_FAULT = re.compile(r"Settings\((\w+)=")


def settings_table(base: type[BaseModel]) -> type[BaseModel]:
    """A model with a field for each setting. Only types are checked by it: ranges are the settings' own affair."""
    hints = get_type_hints(Settings)
    made: dict[str, Any] = {
        field.name: (_kind(hints[field.name]), Field(field.default, description=MEANINGS.get(field.name, "")))
        for field in fields(Settings)
    }
    return create_model("SettingsTable", __base__=base, __config__=None, **made)


def choices(name: str) -> tuple[str, ...]:
    """The values that a setting may have, if they are few."""
    hint = get_type_hints(Settings).get(name)
    return get_args(hint) if get_origin(hint) is Literal else ()


def faults(values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with settings of the right types, by name: all of it, as ``Settings`` tells one after the other."""
    left, found = dict(values), {}
    while True:
        try:
            Settings(**left)
        except MisuseError as error:
            named = _FAULT.search(str(error))
            name = named[1] if named and named[1] in left else ""
            found[name] = str(error).removeprefix(f"Settings({name}=...) ")
            if not name:
                return found
            del left[name]
        else:
            return found


def _kind(hint: Any) -> Any:
    return str if get_origin(hint) is Literal else hint
