"""One node's life in a session: meet the others, agree, run the job or deal, part."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tacit.correlations import Supply
from tacit.disclosure.oversight import NO_OVERSIGHT, Oversight
from tacit.errors import TacitError
from tacit.nn import secret_steps
from tacit.operation.observer import Observer
from tacit.party import DEALER
from tacit.runtime import wiring
from tacit.runtime.compilation import uncompiled
from tacit.runtime.devices import ON_CPU, enter_device
from tacit.runtime.memory import keep_freed_memory
from tacit.runtime.rendezvous import Addresses, meet
from tacit.runtime.session import Session, enter
from tacit.settings import Settings
from tacit.transport._base import Transport
from tacit.transport.failure import blame, refusal_of
from tacit.transport.security import Security


def run_node(
    name: str,
    addresses: Addresses,
    settings: Settings,
    session: str,
    fn: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    listener: socket.socket | None = None,
    supply: Supply | None = None,
    device: str = ON_CPU,
    security: Security | None = None,
    observer: Observer | None = None,
    oversight: Oversight = NO_OVERSIGHT,
) -> Any:
    """Be the party (or dealer) ``name`` over TCP; returns what ``fn(*args)`` returns, None for the dealer.

    addresses: host and port of every party in order of rank, then of ``"dealer"`` if the settings want one. session: a
    name that all nodes of this run have in common. listener: a socket that listens at the own address already, if this
    node has one. security: what protects the connections; without it they stay on this machine.
    supply: where correlated randomness comes from, if the run brings it along. device: where this node computes.
    observer: sees what happens. oversight: this party's policy of reveals and the folder of its ledgers.
    Raises what ``fn`` raises, and LinkError, PeerError or their kind when another node fails.
    """
    keep_freed_memory()
    names = tuple(peer for peer in addresses if peer != DEALER)
    if observer is None:
        observer = Observer(name, (peer for peer in addresses if peer != name), session, settings.heartbeat_timeout)
    try:
        transport = meet(name, addresses, listener, session, settings, security, observer)
    except BaseException as error:
        observer.failed(error)
        raise
    return live(transport, names, settings, session, fn, args, supply, device, observer, oversight)


def live(
    transport: Transport,
    names: tuple[str, ...],
    settings: Settings,
    session: str,
    fn: Callable[..., Any] | None,
    args: tuple[Any, ...],
    supply: Supply | None = None,
    device: str = ON_CPU,
    observer: Observer | None = None,
    oversight: Oversight = NO_OVERSIGHT,
) -> Any:
    """The same once the connections are there. Closes ``transport``; a failure is told to all peers first."""
    opened: Session | None = None
    observer = observer or Observer(transport.name, transport.peers, session, settings.heartbeat_timeout)
    try:
        observer.joined(transport)
        if transport.name == DEALER:
            wiring.serve_dealer(transport, names, settings, session, enter_device(device), observer.dealing)
            transport.close()
            observer.ended()
            return None
        opened = wiring.open_session(transport, names, settings, session, supply, enter_device(device), oversight)
        enter(opened)
        observer.begun(opened.meter, opened.channel.transcript, opened.ledger)
        with uncompiled(), secret_steps():
            result = fn(*args) if fn is not None else None
        opened.close()
        observer.ended()
        return result
    except BaseException as error:
        transport.abort(*blame(error, transport.name), refusal_of(error))
        if opened is not None:
            opened.abandon()
        with suppress(TacitError):  # it ends because of a failure that is already known
            transport.close()
        observer.failed(error)
        raise
