"""The metrics of a node: every one by name, and how it comes out of a snapshot. Nothing is counted for them alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple

from tacit.operation.observer import State


class Metric(NamedTuple):
    """One metric. A counter's samples end in ``_total``."""

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    meaning: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "tacit_node_info", "gauge", ("node", "role", "version", "session"), "1; its labels say which node it is"
        ),
        Metric("tacit_session_state", "gauge", ("state",), "1 for the state the node is in, 0 for the others"),
        Metric("tacit_start_time_seconds", "gauge", (), "when the node started, in Unix time"),
        Metric("tacit_session_begin_time_seconds", "gauge", (), "when its session began, in Unix time"),
        Metric("tacit_connected_peers", "gauge", (), "peers whose connections are there"),
        Metric("tacit_expected_peers", "gauge", (), "peers that belong to the session"),
        Metric("tacit_heartbeat_age_seconds", "gauge", ("peer",), "since the last sign of life of a peer"),
        Metric("tacit_bytes_total", "counter", ("peer", "direction"), "payload sent to or received from a peer"),
        Metric("tacit_framing_bytes_total", "counter", ("peer", "direction"), "headers and tags beside the payload"),
        Metric("tacit_waiting_seconds_total", "counter", ("peer",), "time in which the node waited for a peer"),
        Metric("tacit_rounds_total", "counter", (), "rounds: the longest chain of messages that wait for each other"),
        Metric("tacit_ops_total", "counter", (), "operations on secrets that were begun"),
        Metric("tacit_reveals_total", "counter", ("receiver",), "values that were revealed to a party"),
        Metric("tacit_dealer_requests_total", "counter", (), "requests that the dealer answered"),
        Metric("tacit_dealer_predicted_total", "counter", (), "those of them whose answer was ready before"),
        Metric("tacit_dealer_stock", "gauge", (), "answers that the dealer has ready"),
        Metric("tacit_dealer_stock_bytes", "gauge", (), "their size"),
    )
}


class Sample(NamedTuple):
    """A value of a metric, with a value for each of its labels."""

    metric: str
    labels: tuple[str, ...]
    value: float


def samples(taken: dict[str, Any]) -> Iterator[Sample]:
    """The metrics of a snapshot: at a party without those of a dealer, before the session without those of one."""
    yield Sample("tacit_node_info", (taken["node"], taken["role"], taken["version"], taken["session"]), 1)
    for state in State:
        yield Sample("tacit_session_state", (str(state),), float(state == taken["state"]))
    yield Sample("tacit_start_time_seconds", (), _unix(taken["started"]))
    if taken["begun"] is not None:
        yield Sample("tacit_session_begin_time_seconds", (), _unix(taken["begun"]))
    yield Sample("tacit_connected_peers", (), sum(peer["connected"] for peer in taken["peers"]))
    yield Sample("tacit_expected_peers", (), len(taken["peers"]))
    for peer in taken["peers"]:
        yield from _of_peer(peer)
    for key in ("rounds", "ops"):
        if taken[key] is not None:
            yield Sample(f"tacit_{key}_total", (), taken[key])
    for receiver, count in taken["reveals"].items():
        yield Sample("tacit_reveals_total", (receiver,), count)
    if taken["dealer"] is not None:
        yield Sample("tacit_dealer_requests_total", (), taken["dealer"]["requests"])
        yield Sample("tacit_dealer_predicted_total", (), taken["dealer"]["predicted"])
        yield Sample("tacit_dealer_stock", (), taken["dealer"]["stock"])
        yield Sample("tacit_dealer_stock_bytes", (), taken["dealer"]["stock_bytes"])


def _of_peer(peer: dict[str, Any]) -> Iterator[Sample]:
    name = peer["name"]
    if peer["heard_seconds_ago"] is not None:
        yield Sample("tacit_heartbeat_age_seconds", (name,), peer["heard_seconds_ago"])
    for direction in ("sent", "received"):
        yield Sample("tacit_bytes_total", (name, direction), peer[f"bytes_{direction}"])
        yield Sample("tacit_framing_bytes_total", (name, direction), peer[f"framing_bytes_{direction}"])
    yield Sample("tacit_waiting_seconds_total", (name,), peer["waited_seconds"])


def _unix(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
