"""The ledger of reveals on disk: a line for each, there before anything of it is sent."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tacit._version import __version__
from tacit.disclosure.chain import GENESIS, sealed
from tacit.disclosure.disclosure import Disclosure
from tacit.errors import LedgerError, MisuseError

FORMAT = 1
_log = logging.getLogger(__name__)


class LedgerFile:
    """One party's ledger of one session. Each line is on the disk when the call that writes it returns."""

    def __init__(self, folder: Path, session: str, names: Sequence[str], name: str, policy: str | None) -> None:
        """A new file in ``folder``, with its header. policy: the digest of the party's policy. Raises LedgerError."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self.path = folder / f"{name}-{stamp}-{session[:8]}.jsonl"
        self.head = GENESIS
        self._reveals = 0
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(
                self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            _sync_folder(folder)
        except OSError as error:
            raise self._failed(error) from None
        _log.info("the ledger of reveals is %s", self.path)
        header = {"format": FORMAT, "session": session, "parties": list(names), "party": name}
        self._write("header", {**header, "version": __version__, "policy": policy})

    def revealing(self, disclosure: Disclosure) -> None:
        """Note a reveal that is about to take place. Raises LedgerError if that is not possible."""
        self._write("reveal", _fields(disclosure))
        self._reveals += 1

    def refused(self, disclosure: Disclosure, rule: str) -> None:
        """Note a reveal that the policy's ``rule`` does not allow."""
        self._write("refused", {**_fields(disclosure), "rule": rule})

    def end(self, ended: str, heads: Mapping[str, str] | None = None) -> None:
        """Note how the session ended, ``"clean"`` or ``"failed"``, and close the file. Again: nothing happens."""
        if self._descriptor is not None:
            self._write("end", {"ended": ended, "reveals": self._reveals, "heads": dict(heads or {})})
            self._close()

    def _write(self, kind: str, content: dict[str, Any]) -> None:
        if self._descriptor is None:
            raise LedgerError(f"the ledger {self.path} is closed.")
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line, head = sealed({"kind": kind, "time": time, **content}, self.head)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except BaseException as error:  # an interrupt too: the last line may be torn, and nothing can come after it
            self._close()
            if isinstance(error, OSError):
                raise self._failed(error) from None
            raise
        self.head = head

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _failed(self, error: OSError) -> LedgerError:
        return LedgerError(
            f"cannot write the ledger {self.path}: {error.strerror}. What is not written down is not revealed."
        )


def prepare_folder(folder: Path) -> None:
    """Make the folder of ledgers if it is not there. Raises MisuseError if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise MisuseError(
            f"cannot write ledgers of reveals in {folder}: {error.strerror}. Say where, with --ledger FOLDER."
        ) from None


def _fields(disclosure: Disclosure) -> dict[str, Any]:
    return {
        "n": disclosure.number,
        "op": disclosure.op,
        "label": disclosure.label,
        "shape": list(disclosure.shape),
        "dtype": disclosure.dtype,
        "to": list(disclosure.to),
        "line": disclosure.position,
    }


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
