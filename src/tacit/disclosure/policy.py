"""What a party lets be revealed to whom: its own affair, in a file of its own (docs/policy.md).

[policy]
default = "deny"                  # what becomes of a reveal that no rule fits: "deny" or "allow"
max_reveals = 100                 # limits of the whole session, all optional
max_elements = 1000
max_total_elements = 20_000

[[policy.rules]]                  # for each receiver, the first rule that fits decides
name = "logits"
action = "allow"                  # or "deny"
to = "clinic"                     # it fits if all of these do; each may also be a list; what is left out fits anything
label = "logits"
at = "triage.py:job"              # FILE, FILE:LINE or FILE:FUNCTION
shapes = [[60, 10], [20, 10]]
max_elements = 600                # it allows no more than this: elements of one reveal,
max_reveals = 7                   # reveals,
max_total_elements = 3800         # elements of all reveals together
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from tacit.disclosure.chain import canonical
from tacit.disclosure.disclosure import DEFAULT, LIMITS, Disclosure
from tacit.disclosure.places import fits, is_pattern
from tacit.errors import MisuseError

Named = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_. -]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, lt=1 << 53)]
Limit = Annotated[int, Field(ge=1, lt=1 << 53)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
Shapes = Annotated[tuple[tuple[Count, ...], ...], Field(min_length=1)]


class Limits(BaseModel):
    """How much may be revealed. None: any amount."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    max_elements: Limit | None = None
    max_reveals: Limit | None = None
    max_total_elements: Limit | None = None

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return (self.max_elements, self.max_reveals, self.max_total_elements) != (None, None, None)


class Rule(Limits):
    """Which reveals it fits, and whether and how much of them it allows."""

    name: Named = ""
    action: Literal["allow", "deny"] = "allow"
    to: Texts | None = None
    label: Texts | None = None
    at: Texts | None = None
    shapes: Shapes | None = None

    @field_validator("to", "label", "at", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @field_validator("shapes", mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        shapes = tuple(value) if isinstance(value, list) else value
        return tuple(tuple(s) if isinstance(s, list) else s for s in shapes) if isinstance(shapes, tuple) else value

    @field_validator("at")
    @classmethod
    def _places(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for pattern in value or ():
            if not is_pattern(pattern):
                raise ValueError(f'{pattern!r} is no place: write "job.py", "job.py:12" or "job.py:function"')
        return value

    @model_validator(mode="after")
    def _deny_all(self) -> Rule:
        if self.action == "deny" and self.limited:
            raise ValueError('a rule that denies has no limits; leave out action = "deny", or the limits')
        return self

    def fits(self, disclosure: Disclosure, receiver: str) -> bool:
        """Whether this rule speaks of telling ``receiver``."""
        return (
            (self.to is None or receiver in self.to)
            and (self.label is None or disclosure.label in self.label)
            and (self.shapes is None or disclosure.shape in self.shapes)
            and (self.at is None or any(fits(pattern, disclosure) for pattern in self.at))
        )


class Policy(Limits):
    """A default that has to be chosen, rules in order, and limits of the whole session."""

    default: Literal["deny", "allow"]
    rules: tuple[Rule, ...] = ()

    @field_validator("rules", mode="before")
    @classmethod
    def _tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("rules")
    @classmethod
    def _named(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        named = tuple(
            rule if rule.name else rule.model_copy(update={"name": f"rule {number}"})
            for number, rule in enumerate(rules, 1)
        )
        names = [rule.name for rule in named]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two rules are called {name!r}")
            if name in (DEFAULT, LIMITS):
                raise ValueError(f"no rule can be called {name!r}: that is what refusals call the policy's own {name}")
        return named

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the policy in canonical form: the same for the same rules, however the file is written."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()

    def check_names(self, names: tuple[str, ...]) -> None:
        """Raise MisuseError if a rule speaks of a receiver that is no party: most likely it is misspelt."""
        for rule in self.rules:
            for receiver in rule.to or ():
                if receiver not in names:
                    raise MisuseError(
                        f"the policy's rule '{rule.name}' is about reveals to '{receiver}', who is no party of this "
                        f"session; its parties are {', '.join(names)}."
                    )


def make_policy(content: Policy | Mapping[str, Any]) -> Policy:
    """A policy from what stands in its table [policy]. Raises MisuseError, naming all that is wrong."""
    if isinstance(content, Policy):
        return content
    try:
        return Policy.model_validate(dict(content))
    except ValidationError as error:
        raise MisuseError("; ".join(_explained(found) for found in error.errors())) from None


def read_policy(path: str | Path) -> Policy:
    """The policy in a TOML file. Raises MisuseError for anything wrong in it."""
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise MisuseError(f"cannot read the policy {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MisuseError(f"the policy {path} is not valid TOML: {error}.") from None
    others = [key for key in content if key != "policy"]
    if others or not isinstance(content.get("policy"), dict):
        wrong = f"{', '.join(others)} means nothing here" if others else "it has no table [policy]"
        raise MisuseError(f"the policy {path}: {wrong}. It is a table [policy], and its rules [[policy.rules]].")
    try:
        return make_policy(content["policy"])
    except MisuseError as error:
        raise MisuseError(f"the policy {path}: {error}.") from None


def _explained(found: ErrorDetails) -> str:
    where, what = list(found["loc"]), found["msg"].removeprefix("Value error, ")
    in_rule = len(where) > 1 and where[0] == "rules"
    keys = list((Rule if in_rule else Policy).model_fields)
    if found["type"] == "extra_forbidden":
        close = get_close_matches(str(where[-1]), keys, 1)
        what = f"there is no such key; did you mean {close[0]}?" if close else f"the keys are {', '.join(keys)}"
    elif found["type"] == "missing":
        what = "it is missing; " + ('write default = "deny" or "allow"' if where == ["default"] else "give it")
    if in_rule:
        rest = ", ".join(str(part) if isinstance(part, str) else f"item {part + 1}" for part in where[2:])
        return f"rule {int(where[1]) + 1}{', ' if rest else ''}{rest}: {what}"
    return f"{', '.join(map(str, where)) or 'policy'}: {what}"
