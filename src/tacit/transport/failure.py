"""What went wrong and because of whom, in words that may travel: a culprit and a category, never a text of the job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tacit.errors import (
    DivergenceError,
    FrameError,
    HandshakeError,
    InputRefusedError,
    LinkError,
    OperatorStop,
    PeerError,
    TacitError,
)


class PeerFinishedError(DivergenceError):
    """A peer said goodbye although this node still waits for it or sends to it. For the dealer it is the normal end."""


class Category(StrEnum):
    """The reasons that an abort frame may carry."""

    FAILED = "failed"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    REFUSED = "refused"
    LOST = "lost"
    FROZEN = "frozen"
    MISSING = "missing"
    BAD_FRAME = "bad frame"
    DIVERGED = "diverged"
    HANDSHAKE = "handshake"


_EXPLANATIONS = {
    Category.FAILED: "{who} stopped with an error; its own traceback says why",
    Category.INTERRUPTED: "{who} was interrupted",
    Category.STOPPED: "{who} was stopped by its operator",
    Category.REFUSED: "{who} refused its own input; only {who} knows why",
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
    """

    culprit: str
    category: Category
    reporter: str
    detail: str = ""

    def error(self, me: str) -> TacitError:
        """A fresh exception for node ``me``."""
        who = f"'{self.culprit}'" if self.culprit != me else f"this party ('{me}'), say the others,"
        text = self.detail or _EXPLANATIONS[self.category].format(who=who)
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
