"""The one message that a source sends to every party: its seed, fresh for the session."""

from __future__ import annotations

from tacit.errors import ProtocolAbort
from tacit.ring.prg import SEED_BYTES
from tacit.transport._base import Transport

SEED_TAG = b"tacit seed"


def send_seed(transport: Transport, to: str, seed: bytes) -> None:
    """Send a party the seed that it has in common with the source."""
    transport.send(to, SEED_TAG, [memoryview(seed)])


def receive_seed(transport: Transport, source: str) -> bytes:
    """Receive this party's seed from the source."""
    seed = bytearray(SEED_BYTES)

    def accept(tag: bytes, length: int) -> memoryview:
        if tag != SEED_TAG or length != SEED_BYTES:
            raise ProtocolAbort(f"expected a seed from {source!r}, got another message")
        return memoryview(seed)

    transport.receive(source, accept)
    return bytes(seed)
