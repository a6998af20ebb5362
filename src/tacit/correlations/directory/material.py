"""What a party hands to a run: where its dealt material and its keys lie."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tacit.correlations._base import CORRECTED, Source
from tacit.correlations.directory.folder import Folder
from tacit.correlations.directory.keys import fingerprint, read_private, read_public
from tacit.correlations.directory.sealed import SealedReader
from tacit.correlations.directory.source import DirectorySource
from tacit.correlations.plan import planned_settings
from tacit.correlations.streams import Streams
from tacit.correlations.supply import Highest, Supply
from tacit.errors import MisuseError
from tacit.party import DEALER, Party
from tacit.profile.meter import Meter
from tacit.ring.device.staging import CPU
from tacit.ring.prg import SEED_BYTES
from tacit.settings import Settings


@dataclass(frozen=True)
class Material(Supply):
    """Material dealt to disk. path: the party's folder, or the folder that holds it. keys: where the keys lie."""

    path: Path
    keys: Path

    def check(self, here: Sequence[str], names: tuple[str, ...], settings: Settings) -> None:
        """See ``Supply``."""
        for name in here:
            folder = self._folder(name, names, settings)
            folder.check_there(folder.used + 1)
            self._key(folder)
        read_public(DEALER, self.keys)

    def facts(self, party: Party, settings: Settings) -> dict[str, str]:
        """See ``Supply``: all parties must have been dealt to at the same time, for the same plan."""
        header = self._folder(party.name, party.names, settings).header
        return {"material": header.directory, "plan": header.plan}

    def connect(
        self, party: Party, settings: Settings, meter: Meter, highest: Highest, device: torch.device = CPU
    ) -> Source:
        """See ``Supply``. Takes the first part that no party has used, and records it as used before reading it.

        A part is deleted once it is open: not even an old copy of the record brings it back.
        """
        folder = self._folder(party.name, party.names, settings)
        secret, dealer, plan = self._key(folder), read_public(DEALER, self.keys), folder.plan()
        serial, file = _agreed(folder, highest)
        try:
            reader = SealedReader(file, secret, dealer, folder.context(serial))
            seed = bytearray(SEED_BYTES)
            reader.read_into(memoryview(seed))
        except BaseException:
            file.close()
            raise
        folder.discard(serial)
        streams = Streams(bytes(seed), settings.generator, device)
        if party.rank != CORRECTED:
            reader.close()
        return DirectorySource(streams, plan, serial, reader if party.rank == CORRECTED else None, meter)

    def _key(self, folder: Folder) -> X25519PrivateKey:
        name = folder.header.party
        key = read_private(name, self.keys)
        if fingerprint(key.public_key()) != folder.header.key:
            raise MisuseError(
                f"{folder.path} was encrypted to another key than {self.keys / name}.key. Use the key that was there "
                f"when the dealer got {name}.pub, or have it dealt anew."
            )
        return key

    def _folder(self, name: str, names: tuple[str, ...], settings: Settings) -> Folder:
        folder = Folder(self.path, name)
        header = folder.header
        if tuple(header.parties) != names:
            raise MisuseError(f"{folder.path} was dealt for the parties {', '.join(header.parties)}, in this order.")
        for key, value in planned_settings(settings).items():
            if header.settings.get(key) != value:
                dealt = header.settings.get(key)
                raise MisuseError(f"{folder.path} was dealt for Settings({key}={dealt!r}), and this run has {value!r}.")
        return folder


def _agreed(folder: Folder, highest: Highest) -> tuple[int, BinaryIO]:
    """The first part that no party has used, claimed at all of them for this run: its number, and the part, open.

    When another run takes it at one of them meanwhile, it is lost at the others, and all go on to the next.
    """
    while True:
        serial = highest(folder.used + 1)
        with ExitStack() as lost:
            part = folder.claim(serial)
            if part is not None:
                lost.enter_context(part)
            if not highest(int(part is None)) and part is not None:
                lost.pop_all()
                return serial, part
