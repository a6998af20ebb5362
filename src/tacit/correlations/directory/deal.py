"""The dealer's work ahead of time: for every run that is to come a part for each party, encrypted to it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tacit.correlations._base import CORRECTED, correction_parts
from tacit.correlations.directory.folder import FORMAT, HEADER, PLAN, Header, context, header_data, write_used
from tacit.correlations.directory.keys import fingerprint, read_private, read_public
from tacit.correlations.directory.sealed import SealedWriter
from tacit.correlations.masks import Masks
from tacit.correlations.plan import Plan
from tacit.correlations.streams import Streams
from tacit.errors import MisuseError
from tacit.party import DEALER
from tacit.ring.prg import fresh_seed

MAX_COUNT = 999_999


def deal(plan: Plan, count: int, out: Path, keys: Path, dealt: Callable[[int], None] = lambda serial: None) -> None:
    """Write material for ``count`` runs of ``plan`` into ``out``, a folder for each party; each run has fresh seeds.

    keys: the folder with ``dealer.key`` and the parties' ``.pub`` files. dealt: told each part's number when it is
    written. Holds a few times the largest request in memory, whatever ``count``. Raises MisuseError if ``out`` has
    something in it already, or a key is missing.
    """
    if not 1 <= count <= MAX_COUNT:
        raise MisuseError(f"a directory holds 1 to {MAX_COUNT} runs, not {count}.")
    sender = read_private(DEALER, keys)
    recipients = {name: read_public(name, keys) for name in plan.parties}
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MisuseError(f"{out} exists and is not empty: material is never added to a folder. Choose a new one.")
    directory = uuid.uuid4().hex
    headers = {}
    for name, key in recipients.items():
        (out / name).mkdir(parents=True)
        parties, settings = list(plan.parties), plan.settings
        headers[name] = header_data(
            Header(FORMAT, directory, name, fingerprint(key), parties, count, plan.digest, settings)
        )
    for serial in range(1, count + 1):
        _deal_part(plan, serial, out, sender, recipients, headers)
        dealt(serial)
    for name in plan.parties:  # last, so that a folder with a header is a whole one
        plan.save(out / name / PLAN)
        write_used(out / name, 0)
        (out / name / HEADER).write_bytes(headers[name])


def _deal_part(
    plan: Plan,
    serial: int,
    out: Path,
    sender: X25519PrivateKey,
    recipients: dict[str, X25519PublicKey],
    headers: dict[str, bytes],
) -> None:
    seeds = [fresh_seed() for _ in plan.parties]
    streams = [Streams(seed, str(plan.settings["generator"])) for seed in seeds]
    with ExitStack() as files:
        writers = []
        for name, seed in zip(plan.parties, seeds, strict=True):
            path = out / name / f"{serial:06}.sealed"
            file = files.enter_context(open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"))
            writers.append(SealedWriter(file, sender, recipients[name], context(headers[name], serial)))
            writers[-1].write(memoryview(seed))
        masks = Masks(streams)
        for request in plan.requests:
            for part in correction_parts(request, streams, masks):
                writers[CORRECTED].write(memoryview(part.numpy()))  # type: ignore[arg-type]
        for writer in writers:
            writer.close()
