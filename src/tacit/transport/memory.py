"""Transports between threads of one process: the same behaviour as TCP, without sockets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

from tacit.errors import InternalError, Refusal
from tacit.transport._base import Accept, Transport, Witness
from tacit.transport.failure import Category, Failure, PeerFinishedError, category_of
from tacit.transport.framing import HEADER_BYTES, check_tag
from tacit.transport.statistics import Statistics

CHECK_SECONDS = 0.5
"""How often a waiting node compares how far the others are."""


class MemoryNetwork:
    """The wires between the nodes ``names``, all in this process."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.lock = threading.Lock()
        self._transports = {name: MemoryTransport(self, name) for name in self.names}

    def transport(self, name: str) -> MemoryTransport:
        """The transport of node ``name``; always the same object."""
        return self._transports[name]


class MemoryTransport(Transport):
    """One node's end. ``around_wait`` wraps every wait: the threads launcher gives its turn away there."""

    loopback = True

    def __init__(self, network: MemoryNetwork, name: str) -> None:
        self.name = name
        self.peers = tuple(peer for peer in network.names if peer != name)
        self.statistics = Statistics()
        self.witness: Witness | None = None
        self.farewell = ""
        self.farewells: dict[str, str] = {}
        self.around_wait: Callable[[], AbstractContextManager[None]] = nullcontext
        self._network = network
        self._changed = threading.Condition(network.lock)
        self._inbox: dict[str, deque[tuple[bytes, tuple[memoryview, ...]]]] = {peer: deque() for peer in self.peers}
        self._queued = dict.fromkeys(self.peers, 0)
        self._departed: set[str] = set()
        self._failure: Failure | None = None
        self._closed = False

    def send(self, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        check_tag(tag)
        length = sum(part.nbytes for part in payload)
        with self._changed:
            self._check_open()
            if peer in self._departed:
                raise PeerFinishedError(f"'{peer}' has finished while '{self.name}' still sends to it.", peer)
            receiver = self._other(peer)
            receiver._inbox[self.name].append((tag, tuple(payload)))
            receiver._queued[self.name] += length
            receiver._changed.notify_all()
        self.statistics.link(peer).sent(length, HEADER_BYTES + len(tag))

    def receive(self, peer: str, accept: Accept) -> None:
        inbox = self._inbox[peer]
        with self._changed:
            self._check_open()
            ready = bool(inbox)
        if not ready:
            self._wait(lambda: bool(inbox) or peer in self._departed)
            if not inbox:
                raise PeerFinishedError(f"'{peer}' has finished while '{self.name}' still waits for it.", peer)
        tag, parts = inbox[0]
        length = sum(part.nbytes for part in parts)
        buffer = accept(tag, length)
        if buffer.nbytes != length:
            raise InternalError(f"accept returned a buffer of {buffer.nbytes} bytes for a payload of {length}.")
        inbox.popleft()
        position = 0
        for part in parts:
            buffer[position : position + part.nbytes] = part
            position += part.nbytes
        sender = self._other(peer)
        with self._changed:
            self._queued[peer] -= length
            sender._changed.notify_all()
        self.statistics.link(peer).received(length, HEADER_BYTES + len(tag))

    def backlog(self, peer: str, at_most: int) -> None:
        receiver = self._other(peer)
        self._wait(lambda: receiver._queued[self.name] <= at_most or peer in self._departed)

    def report_divergence(self, peer: str) -> NoReturn:
        other = self._other(peer)
        self._fail(_divergence(self, other))
        other._fail(_divergence(other, self))
        self.abort(peer, Category.DIVERGED)
        with self._changed:
            self._check_open()
        raise InternalError("a divergence was reported on a closed transport.")

    def abort(self, culprit: str, reason: str, refusal: Refusal | None = None) -> None:
        failure = Failure(culprit, category_of(reason), self.name, refusal=refusal)
        self._fail(failure)
        for peer in self.peers:
            told = failure.told(self.name, peer, self.witness)
            if told is not None:
                self._other(peer)._fail(told)

    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            for peer in self.peers:
                other = self._other(peer)
                other._departed.add(self.name)
                other.farewells[self.name] = self.farewell
                other._changed.notify_all()
            failure = self._failure
        try:
            if failure is None:
                self._wait(lambda: self._departed.issuperset(self.peers) or self._failure is not None)
        finally:
            with self._changed:
                self._closed = True
                for queue in self._inbox.values():
                    queue.clear()
        if failure is not None:
            raise failure.error(self.name)

    def _wait(self, ready: Callable[[], bool]) -> None:
        with self.around_wait():
            while True:
                with self._changed:
                    self._check_open()
                    if ready() or self._changed.wait_for(
                        lambda: ready() or self._failure is not None or self._closed, CHECK_SECONDS
                    ):
                        self._check_open()
                        return
                self._compare_positions()

    def _compare_positions(self) -> None:
        if self.witness is None:
            return
        for peer in self.peers:
            theirs = self._other(peer).witness
            if theirs is not None and self.witness.differs(theirs.position()):
                self.report_divergence(peer)

    def _other(self, peer: str) -> MemoryTransport:
        return self._network.transport(peer)

    def _fail(self, failure: Failure) -> None:
        with self._changed:
            if self._failure is None:
                self._failure = failure
            self._changed.notify_all()

    def _check_open(self) -> None:
        if self._failure is not None:
            raise self._failure.error(self.name)
        if self._closed:
            raise InternalError(f"the transport of '{self.name}' is used after it was closed.")


def _divergence(me: MemoryTransport, peer: MemoryTransport) -> Failure:
    detail = ""
    if me.witness is not None and peer.witness is not None:
        detail = me.witness.explain(peer.name, peer.witness.history())
    return Failure(peer.name, Category.DIVERGED, me.name, detail)
