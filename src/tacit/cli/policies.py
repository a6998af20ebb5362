"""``--policy`` of ``tacit run``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tacit.errors import MisuseError

if TYPE_CHECKING:
    from tacit.disclosure.policy import Policy


def read_policies(given: Sequence[str], party: str) -> dict[str, Policy]:
    """The policies in the files that were given, by party. party: whose the only one is, empty if each says whose.

    Raises MisuseError.
    """
    if not given:
        return {}
    from tacit.disclosure.policy import read_policy

    if party:
        if len(given) > 1:
            raise MisuseError(f"'{party}' can have one policy: give --policy once.")
        return {party: read_policy(given[0])}
    policies: dict[str, Policy] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise MisuseError(f"say whose policy it is: --policy clinic=policy.toml, got {text!r}.")
        if name in policies:
            raise MisuseError(f"'{name}' can have one policy, and two were given.")
        policies[name] = read_policy(path)
    return policies
