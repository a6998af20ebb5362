"""One party's folder of dealt material: what it is for, and which of its parts were used.

folder.json   what was dealt, by whom for whom; public
plan.jsonl    the plan it was dealt for; public
used.json     how many parts are used up
000001.sealed one part for one run: the party's seed, and the corrections if its shares are the corrected ones
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from pathlib import Path
from time import monotonic, sleep
from typing import BinaryIO

from tacit.correlations.plan import Plan
from tacit.errors import MisuseError

FORMAT = 1
HEADER, PLAN, USED = "folder.json", "plan.jsonl", "used.json"
_LOCK_SECONDS = 5.0
_TICK_SECONDS = 0.02


@dataclass(frozen=True)
class Header:
    """What a folder holds. directory: names what was dealt together. key: the fingerprint of the party's key."""

    format: int
    directory: str
    party: str
    key: str
    parties: list[str]
    count: int
    plan: str
    settings: Mapping[str, object]


class Folder:
    """A party's folder, opened. Raises MisuseError if it is none, another party's, or damaged."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path / name if (path / name).is_dir() else path
        self._data = self._read(HEADER)
        self.header = _parsed(self._data, self.path)
        if self.header.party != name:
            raise MisuseError(f"{self.path} was dealt for '{self.header.party}': '{name}' needs its own folder.")

    def plan(self) -> Plan:
        """The plan that the folder was dealt for."""
        plan = Plan.load(self.path / PLAN)
        if plan.digest != self.header.plan:
            raise MisuseError(f"{self.path / PLAN} is not the plan that this folder was dealt for. Get it again.")
        return plan

    @property
    def used(self) -> int:
        """How many parts are used: all up to this number. Without its record a folder is refused."""
        try:
            used = json.loads(self._read(USED))["used"]
            if type(used) is not int or used < 0:
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise MisuseError(f"{self.path / USED} is damaged: nobody knows what was used. Deal anew.") from None
        return used

    def check_there(self, serial: int) -> None:
        """Raise MisuseError if fewer parts than ``serial`` were dealt."""
        if serial > self.header.count:
            raise MisuseError(
                f"all {self.header.count} runs that were dealt in {self.path} are used. Ask the dealer for more: "
                f"`tacit deal job.plan --count {self.header.count} --out NEW_FOLDER` with the same plan."
            )

    def claim(self, serial: int) -> BinaryIO | None:
        """Record for good that all parts up to ``serial`` are used, and open that one; on the disk when this returns.

        None, and nothing recorded, if another run of this party has used it. Raises MisuseError if all are used, or if
        the part, now used, is not there.
        """
        self.check_there(serial)
        with self.locked():
            if serial <= self.used:
                return None
            write_used(self.path, serial)
            # Still locked: as soon as others may claim, a run that takes a later part deletes this one.
            return _opened(self.part(serial))

    def part(self, serial: int) -> Path:
        """Where a part lies."""
        return self.path / f"{serial:06}.sealed"

    def discard(self, serial: int) -> None:
        """Delete all parts up to ``serial``, those that earlier runs left behind too; who has one open reads on."""
        for part in self.path.glob("*.sealed"):
            if part.stem.isdecimal() and int(part.stem) <= serial:
                with suppress(OSError):
                    part.unlink()

    def context(self, serial: int) -> bytes:
        """What a part is bound to: this folder's header, word for word, and its number."""
        return context(self._data, serial)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other runs of this party from claiming, for the moment that it takes; a killed process keeps nobody."""
        with open(self.path / HEADER, "rb") as file:
            deadline = monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if monotonic() > deadline:
                        raise MisuseError(f"another run is stuck while it takes from {self.path}: end it.") from None
                    sleep(_TICK_SECONDS)
            yield

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise MisuseError(
                f"{self.path} is not a folder that `tacit deal` finished: {name}: {error.strerror}."
            ) from None


def header_data(header: Header) -> bytes:
    """A header as it lies on the disk."""
    return json.dumps(asdict(header), indent=1).encode()


def context(header: bytes, serial: int) -> bytes:
    """What the part ``serial`` of a folder with this header is bound to."""
    return blake2b(header, digest_size=32, person=b"tacit folder").digest() + serial.to_bytes(8, "big")


def write_used(path: Path, serial: int) -> None:
    """Put the record of use in place of the last one, whole or not at all, and on the disk before this returns."""
    fresh = path / f"{USED}.new"
    with open(fresh, "wb") as file:
        file.write(json.dumps({"used": serial}).encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path / USED)
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _opened(part: Path) -> BinaryIO:
    try:
        return open(part, "rb")
    except OSError as error:
        raise MisuseError(f"cannot read {part}: {error.strerror}. The next run takes the next part.") from None


def _parsed(data: bytes, path: Path) -> Header:
    try:
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise MisuseError(f"{path} has format {content['format']}; this version reads {FORMAT}. Deal anew.")
        header = Header(**{field.name: content[field.name] for field in fields(Header)})
        if type(header.count) is not int or not isinstance(header.settings, dict):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise MisuseError(f"{path / HEADER} is damaged. Get the folder from the dealer again.") from None
    return header
