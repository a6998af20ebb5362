"""What went wrong and because of whom, in words that may travel: a culprit and a category, never a text of the job."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tacit.errors import (
    DivergenceError,
    FrameError,
    HandshakeError,
    InputRefusedError,
    LinkError,
    OperatorStop,
    PeerError,
    PolicyError,
    Refusal,
    RevealRefusedError,
    TacitError,
)
from tacit.transport._base import Witness


class PeerFinishedError(DivergenceError):
    """A peer said goodbye although this node still waits for it or sends to it. For the dealer it is the normal end."""


class Category(StrEnum):
    """The reasons that an abort frame may carry."""

    FAILED = "failed"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    REFUSED = "refused"
    POLICY = "policy"
    LOST = "lost"
    FROZEN = "frozen"
    MISSING = "missing"
    BAD_FRAME = "bad frame"
    DIVERGED = "diverged"
    HANDSHAKE = "handshake"


_RULE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,62}")
_LINE_LENGTH = 120

_EXPLANATIONS = {
    Category.FAILED: "{who} stopped with an error; its own traceback says why",
    Category.INTERRUPTED: "{who} was interrupted",
    Category.STOPPED: "{who} was stopped by its operator",
    Category.REFUSED: "{who} refused its own input; only {who} knows why",
    Category.POLICY: "{who} refused a reveal: its policy does not allow it",
    Category.LOST: "the link to {who} was lost: its process ended or its connection closed without a goodbye",
    Category.FROZEN: "{who} is frozen: no heartbeat from it within the heartbeat time-out",
    Category.MISSING: "{who} did not join the session within the connect time-out",
    Category.BAD_FRAME: "{who} sent bytes that are not a valid frame",
    Category.DIVERGED: "{who} does not run the same program on the same public values as the others",
    Category.HANDSHAKE: "{who} does not agree with the others on the session",
}


@dataclass(frozen=True)
class Failure:
    """The first thing that went wrong in a session, as one node knows it.

    culprit: whose fault it is. reporter: who noticed. detail: what this node itself saw; it never travels.
    refusal: what a party says of a reveal that its policy does not allow; it travels.
    """

    culprit: str
    category: Category
    reporter: str
    detail: str = ""
    refusal: Refusal | None = None

    def told(self, me: str, peer: str, witness: Witness | None) -> Failure | None:
        """What node ``me`` may tell ``peer`` of it: only who runs the same program, not the dealer, is told of reveals.

        None for nothing: a dealer that was not told the rule must not be ahead of those who tell it.
        """
        if self.category is Category.POLICY and self.refusal is None and self.reporter != me:
            return None
        if witness is None or peer in witness.peers or self.refusal is None:
            return self
        return replace(self, refusal=None)

    def error(self, me: str) -> TacitError:
        """A fresh exception for node ``me``."""
        who = f"'{self.culprit}'"
        if self.culprit == me:
            who = f"this party ('{me}')" if self.reporter == me else f"this party ('{me}'), say the others,"
        text = self.detail or _EXPLANATIONS[self.category].format(who=who)
        if self.refusal is not None:
            rule, reveal, line = self.refusal
            text = f"{who} refused reveal {reveal}, at {line}: '{rule}' of its policy does not allow it"
        if self.reporter not in (me, self.culprit):
            text += f" (noticed by '{self.reporter}')"
        return _error_of(self.category, text + ".", self.culprit)


def _error_of(category: Category, text: str, culprit: str) -> TacitError:
    match category:
        case Category.LOST | Category.FROZEN | Category.MISSING:
            return LinkError(text, culprit)
        case Category.BAD_FRAME:
            return FrameError(text, culprit)
        case Category.DIVERGED:
            return DivergenceError(text, culprit)
        case Category.POLICY:
            return RevealRefusedError(text, culprit)
        case Category.REFUSED:
            return InputRefusedError(text, culprit)
        case Category.HANDSHAKE:
            return HandshakeError(text, culprit)
        case _:
            return PeerError(text, culprit)


def category_of(reason: str) -> Category:
    """The category named by ``reason``; anything unknown is ``FAILED``, since its text must not travel or be shown."""
    try:
        return Category(reason)
    except ValueError:
        return Category.FAILED


def blame(error: BaseException, me: str) -> tuple[str, Category]:
    """Whose fault ``error``, raised at ``me``, is and of which category: what an abort frame may say of it."""
    match error:
        case DivergenceError(party=party):
            return party, Category.DIVERGED
        case HandshakeError(party=party):
            return party, Category.HANDSHAKE
        case InputRefusedError(party=party):
            return party, Category.REFUSED
        case PolicyError():
            return me, Category.POLICY
        case RevealRefusedError(party=party):
            return party, Category.POLICY
        case FrameError(party=party):
            return party, Category.BAD_FRAME
        case LinkError(party=party):
            return party, Category.LOST
        case PeerError(party=party):
            return party, Category.FAILED
        case KeyboardInterrupt():
            return me, Category.INTERRUPTED
        case OperatorStop():
            return me, Category.STOPPED
        case _:
            return me, Category.FAILED


def refusal_of(error: BaseException) -> Refusal | None:
    """What an abort frame may say of a reveal that this party refused; None of any other error."""
    return checked_refusal(list(error.refusal)) if isinstance(error, PolicyError) else None


def checked_refusal(content: Any) -> Refusal | None:
    """A refusal from ``[rule, reveal, line]``, its line cut to what is shown; None of anything else."""
    match content:
        case [str(rule), int(reveal), str(line)] if _RULE.fullmatch(rule) and 0 < reveal < 1 << 53:
            shown = "".join(letter if letter.isprintable() else "?" for letter in line[:_LINE_LENGTH])
            return Refusal(rule, reveal, shown)
    return None
