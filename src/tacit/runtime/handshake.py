"""The first words between nodes: do all agree on who runs what with which settings? Then the parties' common seeds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import torch

from tacit import _version
from tacit.errors import FrameError, HandshakeError
from tacit.settings import Settings
from tacit.transport._base import Transport

SEED_BYTES = 16
_CARD_BYTES = 1 << 16
_LOCAL_ONLY = ("connect_timeout", "heartbeat_timeout", "reconnect_timeout")


@dataclass(frozen=True)
class Card:
    """What a node says of itself; ``facts`` must be the same at all nodes."""

    name: str
    facts: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Secrets:
    """What the parties agreed on, unknown to the dealer: the transcript's key and a seed with each other party.

    number: names this session alone to its parties, in hexadecimal; no secret.
    """

    key: bytes = field(repr=False)
    pair_seeds: Mapping[int, bytes] = field(repr=False)
    number: str


def facts(names: tuple[str, ...], dealer: str | None, session: str, settings: Settings) -> dict[str, Any]:
    """What all nodes of a session must agree on. Time-outs are each node's own affair, whether links are mended not."""
    return {
        "protocol version": _version.PROTOCOL_VERSION,
        "package version": _version.__version__,
        "torch version": torch.__version__.split("+")[0],
        "session": session,
        "parties": list(names),
        "dealer": dealer or "none",
        "reconnect_timeout": "some" if settings.reconnect_timeout else "0",
        **{f"settings.{key}": value for key, value in settings.as_dict().items() if key not in _LOCAL_ONLY},
    }


def agree(transport: Transport, mine: Mapping[str, Any]) -> None:
    """Compare ``mine`` with every peer's facts. All nodes raise the same HandshakeError when anything differs."""
    _send(transport, transport.peers, "facts", {"name": transport.name, "facts": dict(mine)})
    cards = {transport.name: dict(mine)}
    for peer in transport.peers:
        message = _receive(transport, peer, "facts")
        theirs = message.get("facts") if isinstance(message, dict) else None
        if not isinstance(theirs, dict) or message.get("name") != peer:
            raise FrameError(f"'{peer}' sent no readable handshake.", peer)
        cards[peer] = theirs
    names = sorted(cards, key=lambda name: _rank(mine, name))
    differences = [key for key in _keys(cards, names) if len({_text(cards[name].get(key)) for name in names}) > 1]
    if differences:
        strangers = [peer for peer in transport.peers if any(cards[peer].get(k) != mine.get(k) for k in differences)]
        lines = "; ".join(_line(key, cards, names) for key in differences)
        raise HandshakeError(
            f"the nodes do not agree on the session: {lines}. Give all of them the same.", strangers[0]
        )


def make_secrets(transport: Transport, names: tuple[str, ...], session: str) -> Secrets:
    """Make the transcript's key and the pairwise seeds from fresh randomness of all parties, over their own links.

    Both ends contribute to each seed, so that one bad generator does no harm. The dealer is sent nothing.
    """
    rank = names.index(transport.name)
    others = [peer for peer in names if peer != transport.name]
    part = os.urandom(SEED_BYTES)
    halves = {peer: os.urandom(SEED_BYTES) for peer in others}
    for peer in others:
        _send(transport, [peer], "seeds", {"key": part.hex(), "seed": halves[peer].hex()})
    parts = {transport.name: part}
    seeds: dict[int, bytes] = {}
    for peer in others:
        parts[peer], theirs = _contribution(_receive(transport, peer, "seeds"), peer)
        first, second = (halves[peer], theirs) if rank < names.index(peer) else (theirs, halves[peer])
        seeds[names.index(peer)] = _mix(SEED_BYTES, "pair seed", session, first, second)
    shared = [parts[name] for name in names]
    number = _mix(16, "session number", session, *shared).hex()
    return Secrets(_mix(32, "transcript key", session, *shared), seeds, number)


def agree_on_highest(transport: Transport, names: tuple[str, ...], mine: int) -> int:
    """The highest of all parties' numbers. One round."""
    others = [peer for peer in names if peer != transport.name]
    _send(transport, others, "number", {"number": mine})
    numbers = [mine]
    for peer in others:
        message = _receive(transport, peer, "number")
        number = message.get("number") if isinstance(message, dict) else None
        if type(number) is not int or number < 0:
            raise FrameError(f"'{peer}' sent no readable handshake.", peer)
        numbers.append(number)
    return max(numbers)


def _contribution(message: Any, peer: str) -> tuple[bytes, bytes]:
    try:
        key, seed = bytes.fromhex(message["key"]), bytes.fromhex(message["seed"])
    except (TypeError, KeyError, ValueError):
        raise FrameError(f"'{peer}' sent no readable handshake.", peer) from None
    if len(key) != SEED_BYTES or len(seed) != SEED_BYTES:
        raise FrameError(f"'{peer}' sent no readable handshake.", peer)
    return key, seed


def _mix(size: int, label: str, session: str, *parts: bytes) -> bytes:
    state = blake2b(digest_size=size, person=b"tacit handshake")
    for part in (label.encode(), session.encode(), *parts):
        state.update(len(part).to_bytes(4, "little") + part)
    return state.digest()


def _rank(mine: Mapping[str, Any], name: str) -> int:
    parties = mine["parties"]
    return parties.index(name) if name in parties else len(parties)


def _keys(cards: Mapping[str, Mapping[str, Any]], names: list[str]) -> list[str]:
    return list(dict.fromkeys(key for name in names for key in cards[name]))


def _line(key: str, cards: Mapping[str, Mapping[str, Any]], names: list[str]) -> str:
    if key == "session":  # who reads its text in a log could call in
        return f"session is not the same text at {', '.join(names[:-1])} and {names[-1]}"
    holders: dict[str, list[str]] = {}
    for name in names:
        holders.setdefault(_text(cards[name].get(key)), []).append(name)
    return f"{key} is " + ", ".join(f"{value} at {' and '.join(who)}" for value, who in holders.items())


def _text(value: Any) -> str:
    return "missing" if value is None else json.dumps(value)[:200]


def _send(transport: Transport, peers: Any, tag: str, message: Any) -> None:
    data = json.dumps(message).encode()
    for peer in peers:
        transport.send(peer, b"handshake " + tag.encode(), (memoryview(data),))


def _receive(transport: Transport, peer: str, tag: str) -> Any:
    buffer = bytearray()
    accept = _accept(buffer, peer, b"handshake " + tag.encode())
    transport.receive(peer, accept)
    try:
        return json.loads(buffer)
    except ValueError:
        raise FrameError(f"'{peer}' sent no readable handshake.", peer) from None


def _accept(buffer: bytearray, peer: str, expected: bytes) -> Callable[[bytes, int], memoryview]:
    def accept(tag: bytes, length: int) -> memoryview:
        if tag != expected or length > _CARD_BYTES:
            raise FrameError(f"'{peer}' sent no handshake.", peer)
        buffer.extend(bytes(length))
        return memoryview(buffer)

    return accept
