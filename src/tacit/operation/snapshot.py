"""How a node stands, as one value that JSON can hold: what both status and metrics are made of."""

from __future__ import annotations

import os
from time import monotonic, time
from typing import Any

from tacit._version import __version__
from tacit.caller import format_position
from tacit.operation.events import session_digest
from tacit.operation.observer import Observer, State, iso
from tacit.party import DEALER
from tacit.transport.statistics import LinkStatistics


def snapshot(observer: Observer) -> dict[str, Any]:
    """Take it. Reads counters while the session goes on: each is right, but they are not all of the same moment."""
    digest = session_digest(observer.session)  # before the clocks: the first time it takes long
    wait = observer.waiting()
    now, clock = time(), monotonic()
    meter, transcript, dealer = observer.meter, observer.transcript, observer.dealer
    begun = observer.begun_at
    return {
        "node": observer.name,
        "role": "dealer" if observer.name == DEALER else "party",
        "pid": os.getpid(),
        "version": __version__,
        "session": digest,
        "job": observer.job,
        "state": str(observer.state),
        "started": iso(observer.started),
        "begun": iso(begun) if begun is not None else None,
        "seconds": round(now - observer.started, 3),
        "waiting": wait
        and {
            "for": list(wait.peers),
            "since": iso(now - (clock - wait.since)),
            "seconds": round(clock - wait.since, 3),
        },
        "rounds": meter.rounds if meter is not None else None,
        "ops": transcript.op if transcript is not None else None,
        "last_op": _last_op(observer),
        "reveals": dict(observer.reveals.copy()),
        "peers": [_peer(observer, peer) for peer in observer.peers],
        "dealer": dealer
        and {
            "requests": dealer.answered,
            "predicted": dealer.predicted,
            "stock": dealer.stock,
            "stock_bytes": dealer.stock_bytes,
        },
    }


def is_ready(observer: Observer) -> bool:
    """Whether the session runs and every peer gave a sign of life within the heartbeat time-out."""
    if observer.state is not State.RUNNING or observer.transport is None:
        return False
    heard, now = observer.transport.heard(), monotonic()
    return all(now - heard.get(peer, 0.0) <= observer.heartbeat_timeout for peer in observer.peers)


def _last_op(observer: Observer) -> dict[str, str] | None:
    """Name and line only: what it was called with stays in the session."""
    event = observer.transcript.latest() if observer.transcript is not None else None
    if event is None:
        return None
    return {"name": event.text.partition("(")[0].partition(",")[0], "line": format_position(event.position)}


def _peer(observer: Observer, peer: str) -> dict[str, Any]:
    connection, transport = observer.connections.get(peer), observer.transport
    link = LinkStatistics() if transport is None else transport.statistics.by_peer.get(peer, LinkStatistics())
    heard = transport.heard().get(peer) if transport is not None and observer.live else None
    here = connection is not None and observer.live and not (transport is not None and transport.has_departed(peer))
    return {
        "name": peer,
        "connected": here,
        "since": iso(connection.since) if connection is not None else None,
        "address": connection.address if connection is not None else None,
        "tls": connection.tls if connection is not None else None,
        "heard_seconds_ago": round(monotonic() - heard, 3) if heard is not None else None,
        "bytes_sent": link.bytes_sent,
        "bytes_received": link.bytes_received,
        "framing_bytes_sent": link.overhead_sent,
        "framing_bytes_received": link.overhead_received,
        "waited_seconds": round(transport.waited().get(peer, 0.0), 3) if transport is not None else 0.0,
    }
