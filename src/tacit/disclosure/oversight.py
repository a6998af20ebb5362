"""What a party lets be revealed and where it writes that down: its own choice, unknown to the others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tacit.disclosure.guard import Guard
from tacit.disclosure.ledger_file import LedgerFile, prepare_folder
from tacit.errors import LedgerError, MisuseError, PolicyError
from tacit.settings import Settings

if TYPE_CHECKING:
    from tacit.disclosure.disclosure import Disclosure
    from tacit.disclosure.policy import Policy


@dataclass(frozen=True)
class Oversight:
    """A party's policy, and the folder of its ledgers; without them, everything goes and nothing is written."""

    policy: Policy | None = None
    ledger: Path | None = None

    def check(self, names: tuple[str, ...], settings: Settings) -> None:
        """Raise MisuseError for a policy that cannot be kept, and for a folder that cannot be written."""
        if self.policy is not None:
            self.policy.check_names(names)
            if settings.debug or settings.protocol == "plaintext":
                what = "debug=True" if settings.debug else "protocol='plaintext'"
                raise MisuseError(
                    f"a policy cannot be kept with {what}, where every party sees every value. Leave out one "
                    "of the two."
                )
        if self.ledger is not None:
            prepare_folder(self.ledger)


NO_OVERSIGHT = Oversight()


class Overseer:
    """One party's oversight at work in a session."""

    def __init__(self, oversight: Oversight, session: str, names: tuple[str, ...], name: str) -> None:
        """session: what names this one session to all its parties. Raises LedgerError."""
        policy = oversight.policy
        self._guard = Guard(policy) if policy is not None else None
        self._file: LedgerFile | None = None
        if oversight.ledger is not None:
            digest = policy.digest if policy is not None else None
            self._file = LedgerFile(oversight.ledger, session, names, name, digest)

    def revealing(self, disclosure: Disclosure) -> None:
        """Let a reveal go on, written down; to be called before anything of it is sent.

        Raises PolicyError for what the policy does not allow, LedgerError if it cannot be written down.
        """
        if self._guard is not None:
            try:
                self._guard.check(disclosure)
            except PolicyError as error:
                if self._file is not None:
                    with suppress(LedgerError):  # the session ends anyway, and why is the better thing to say
                        self._file.refused(disclosure, error.refusal.rule)
                raise
        if self._file is not None:
            self._file.revealing(disclosure)

    @property
    def head(self) -> str:
        """The hash of the ledger's last line, which holds all lines before it; empty without a ledger."""
        return self._file.head if self._file is not None else ""

    def ended(self, heads: Mapping[str, str]) -> None:
        """The session ended in good order. heads: those of the others, where they have ledgers."""
        if self._file is not None:
            self._file.end("clean", {name: head for name, head in heads.items() if head})

    def failed(self) -> None:
        """The session failed."""
        if self._file is not None:
            self._file.end("failed")
