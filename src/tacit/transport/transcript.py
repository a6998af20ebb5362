"""What this party ran so far, in a form that two parties can compare: a rolling digest and a short history."""

from __future__ import annotations

import json
import struct
import threading
import weakref
from collections import deque
from hashlib import blake2b
from typing import NamedTuple

import torch

from tacit.caller import caller_position, format_position
from tacit.transport._views import bytes_of

HISTORY = 512
"""How many events are kept to find the first difference."""

_POSITION = struct.Struct("<Q8s")


class Event(NamedTuple):
    """One step: an op begins, or a public tensor meets a secret. ``digest`` covers all events up to this one."""

    number: int
    op: int
    text: str
    public: str
    position: tuple[str, int]
    digest: bytes


class Transcript:
    """The events of one party. ``key`` (16 to 64 bytes) is the session's: the same at all parties.

    Cost: about 3 us an op; a public tensor is hashed once for each version (about 1 GB/s).
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._events: deque[Event] = deque(maxlen=HISTORY)
        self._lock = threading.Lock()
        self._hashes: dict[int, tuple[weakref.ref[torch.Tensor], int, bytes]] = {}
        self.events = 0
        self.op = 0
        self.text = "(before the first op)"
        self.digest = blake2b(b"tacit transcript", digest_size=8, key=key).digest()

    def __repr__(self) -> str:
        return f"<transcript of {self.op} ops>"

    def begin(self, op: str, detail: str) -> None:
        """Note that ``op`` begins; ``detail`` is like ``"8x64, 64x10"`` and the same at all parties."""
        self.op += 1
        self.text = f"{op}({detail})"
        self._note(self.text.encode(), "", caller_position())

    def failed(self, op: str, error: str) -> None:
        """Note that ``op`` raised an ``error`` (its type's name); where all parties note that they stay in step."""
        self.op += 1
        self.text = f"{op}, which failed ({error})"
        self._note(self.text.encode(), "", caller_position())

    def public(self, tensor: torch.Tensor, what: str = "tensor", line: str | None = None) -> None:
        """Note that a public ``tensor`` meets a secret in the current op; all parties must have the same one."""
        shape = "x".join(map(str, tensor.shape)) or "scalar"
        where = (line, 0) if line is not None else caller_position()
        self._note(self._hash(tensor), f"{what} ({shape})", where)

    def forget(self, tensor: torch.Tensor) -> None:
        """Keep no reference to ``tensor`` (``torch.utils.swap_tensors`` refuses tensors that have weak ones)."""
        self._hashes.pop(id(tensor), None)

    def latest(self) -> Event | None:
        """The last step; None before the first."""
        with self._lock:
            return self._events[-1] if self._events else None

    def position(self) -> bytes:
        """How far this party is: the number of events and their digest (16 bytes)."""
        with self._lock:
            return _POSITION.pack(self.events, self.digest)

    def differs(self, position: bytes) -> bool:
        """Whether a peer at ``position`` ran something else than this party, as far as both can know."""
        number, digest = _POSITION.unpack(position)
        with self._lock:
            if not self._events or number > self.events or number < self._events[0].number:
                return False
            event = self._events[number - self._events[0].number]
        return bool(event.digest != digest)

    def history(self) -> bytes:
        """The last events as JSON: numbers, texts, lines and digests; no value and no hash of one by itself."""
        with self._lock:
            events = list(self._events)
        return json.dumps(
            [(e.number, e.op, e.text, e.public, format_position(e.position), e.digest.hex()) for e in events],
            separators=(",", ":"),
        ).encode()

    def _note(self, content: bytes, public: str, position: tuple[str, int]) -> None:
        digest = blake2b(self.digest + content, digest_size=8, key=self._key).digest()
        with self._lock:
            self.events += 1
            self.digest = digest
            self._events.append(Event(self.events, self.op, self.text, public, position, digest))

    def _hash(self, tensor: torch.Tensor) -> bytes:
        try:
            version = tensor._version
        except RuntimeError:  # an inference tensor has no version, so its hash cannot be kept
            return self._hash_now(tensor)
        known = self._hashes.get(id(tensor))
        if known is not None and known[0]() is tensor and known[1] == version:
            return known[2]
        value = self._hash_now(tensor)
        identity = id(tensor)
        self._hashes[identity] = (weakref.ref(tensor, lambda _: self._hashes.pop(identity, None)), version, value)
        return value

    def _hash_now(self, tensor: torch.Tensor) -> bytes:
        state = blake2b(f"{tensor.dtype}{tuple(tensor.shape)}".encode(), digest_size=16, key=self._key)
        state.update(bytes_of(tensor))
        return state.digest()


def first_difference(mine: bytes, theirs: bytes) -> tuple[Event | None, Event | None] | None:
    """The first event at which two histories differ (None where a side has not got there); None when they agree.

    Raises ValueError when ``theirs`` is not a history.
    """
    ours, others = _parse(mine), _parse(theirs)
    for number in sorted(ours.keys() | others.keys()):
        here, there = ours.get(number), others.get(number)
        if here is not None and there is not None and here.digest != there.digest:
            return here, there
    return None


def _parse(history: bytes) -> dict[int, Event]:
    events: dict[int, Event] = {}
    for number, op, text, public, line, digest in json.loads(history):
        fields = (str(text)[:200], str(public)[:200], (str(line)[:200], 0), bytes.fromhex(digest))
        events[int(number)] = Event(int(number), int(op), *fields)
    return events
