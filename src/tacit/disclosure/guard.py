"""Holds a session's reveals against the party's own policy, and counts what it allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tacit.disclosure.disclosure import DEFAULT, LIMITS, Disclosure
from tacit.errors import PolicyError, Refusal

if TYPE_CHECKING:
    from tacit.disclosure.policy import Limits, Policy, Rule


@dataclass
class _Spent:
    """What was revealed under a rule, or in all."""

    reveals: int = 0
    elements: int = 0


class Guard:
    """The policy of one party in one session."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._all = _Spent()
        self._by_rule = {rule.name: _Spent() for rule in policy.rules}

    def check(self, disclosure: Disclosure) -> None:
        """Count a reveal that the policy allows. Raises PolicyError for any other, and counts nothing.

        Every receiver must be allowed to be told; a rule that allows several of them counts the reveal once.
        """
        self._hold(LIMITS, self._policy, self._all, disclosure)
        spent = {id(self._all): self._all}
        for receiver in disclosure.to:
            rule = self._rule_for(disclosure, receiver)
            if rule is None:
                if self._policy.default == "deny":
                    why = f"no rule of it allows to tell '{receiver}', and what no rule allows is denied"
                    raise _refused(DEFAULT, disclosure, why)
                continue
            if rule.action == "deny":
                raise _refused(rule.name, disclosure, f"its rule '{rule.name}' denies it for '{receiver}'")
            under = self._by_rule[rule.name]
            self._hold(rule.name, rule, under, disclosure)
            spent[id(under)] = under
        for each in spent.values():
            each.reveals += 1
            each.elements += disclosure.elements

    def _rule_for(self, disclosure: Disclosure, receiver: str) -> Rule | None:
        return next((rule for rule in self._policy.rules if rule.fits(disclosure, receiver)), None)

    def _hold(self, name: str, limits: Limits, spent: _Spent, disclosure: Disclosure) -> None:
        whose = "of the whole session" if name == LIMITS else f"of its rule '{name}'"
        total = spent.elements + disclosure.elements
        for limit, amount, what in (
            (limits.max_elements, disclosure.elements, "max_elements"),
            (limits.max_reveals, spent.reveals + 1, "max_reveals"),
            (limits.max_total_elements, total, "max_total_elements"),
        ):
            if limit is not None and amount > limit:
                raise _refused(name, disclosure, f"{what} {whose} is {limit}, and this makes {amount}")


def _refused(rule: str, disclosure: Disclosure, why: str) -> PolicyError:
    return PolicyError(
        f"this party's policy does not allow reveal {disclosure.number}, {disclosure}, at {disclosure.position}: "
        f"{why}. Nothing of it was sent.",
        Refusal(rule, disclosure.number, disclosure.position),
    )
