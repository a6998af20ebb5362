"""Every error that Tacit raises, sorted by whose fault it is. None of them prints a share or a secret.

But in debug sessions (``Settings(debug=True)``), where nothing is secret, messages show values.
"""

from __future__ import annotations

from typing import NamedTuple


class TacitError(Exception):
    """The root of all errors that Tacit raises on purpose."""


class OperatorStop(SystemExit):
    """The operator of this process wants it to end, by a signal. Exit status 128 and the signal's number."""

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum

    def __str__(self) -> str:
        name = {2: "SIGINT", 15: "SIGTERM"}.get(self.signum, f"signal {self.signum}")
        return f"interrupted by {name}"


class MisuseError(TacitError):
    """The caller's fault: the message says what to do instead."""


class EncodingError(MisuseError, ValueError):
    """A value that fixed point cannot hold: beyond the range, NaN or infinite."""


class RangeError(MisuseError, OverflowError):
    """A value that left the range of fixed point on the way.

    Noticed by the plaintext protocol, and in debug sessions (``Settings(debug=True)``), whose messages show values.
    """


class InaccuracyError(TacitError):
    """A result that is not what PyTorch gives for it, found in a debug session, whose messages show values."""


class UnsupportedOpError(MisuseError, NotImplementedError):
    """An operation on a secret for which no rule exists."""


class NotBuiltError(MisuseError, NotImplementedError):
    """A setting that names something planned but not built yet."""


class SecretLeakError(MisuseError, TypeError):
    """An operation that would disclose a secret without ``reveal``."""


class PeerError(TacitError):
    """Another party's fault. ``party`` names it."""

    def __init__(self, message: str, party: str) -> None:
        super().__init__(message)
        self.party = party

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (str(self), self.party)


class InputRefusedError(PeerError):
    """The owner of an input refused it; only the owner knows why."""


class Refusal(NamedTuple):
    """What a refused reveal may tell the other parties: which rule of the policy, which reveal, which line."""

    rule: str
    reveal: int
    line: str


class PolicyError(TacitError):
    """A reveal that this party's own policy does not allow; nothing of the value was sent. ``refusal`` says which."""

    def __init__(self, message: str, refusal: Refusal) -> None:
        super().__init__(message)
        self.refusal = refusal

    def __reduce__(self) -> tuple[type, tuple[str, Refusal]]:
        return type(self), (str(self), self.refusal)


class LedgerError(TacitError):
    """The ledger of reveals cannot be written; what it was to note was not revealed."""


class RevealRefusedError(PeerError):
    """Another party's policy does not allow a reveal. The message names the rule; only that party knows the policy."""


class DivergenceError(PeerError):
    """Two parties are not running the same program on the same public values."""


class HandshakeError(PeerError):
    """Two parties do not agree on who runs what with which settings."""


class LinkError(TacitError):
    """The link to a peer failed: lost, frozen, never there. ``party`` names the peer."""

    def __init__(self, message: str, party: str) -> None:
        super().__init__(message)
        self.party = party

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (str(self), self.party)


class FrameError(LinkError):
    """A peer sent bytes that are not a frame."""


class ProtocolAbort(TacitError):
    """A check inside a protocol failed; the run must not go on."""


class InternalError(TacitError):
    """A bug in Tacit."""


class PartyFailedError(TacitError):
    """A party of a local run failed. ``party`` names it; its own traceback is in the message.

    ``failures`` says in a line how each failed party ended. ``__cause__`` is the party's exception, where it is known.
    """

    def __init__(self, message: str, party: str, failures: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.party = party
        self.failures = failures or {}
