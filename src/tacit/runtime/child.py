"""What a process of ``tacit.run`` does: read its orders, be one node, report, and never outlive the launcher."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import torch

from tacit.correlations import Supply
from tacit.disclosure.oversight import NO_OVERSIGHT, Oversight
from tacit.operation.logs import LogSettings, written
from tacit.runtime import pipe
from tacit.runtime.devices import ON_CPU
from tacit.runtime.node import run_node
from tacit.runtime.outcome import PartyFailure
from tacit.runtime.rendezvous import Address
from tacit.settings import Settings
from tacit.transport.certificates import read
from tacit.transport.security import Security

GO = b"g"
_PR_SET_PDEATHSIG = 1
_LAUNCHER_FRAMES = 3


@dataclass(frozen=True)
class Orders:
    """What a child is told. ``job`` is the pickled function and its arguments."""

    name: str
    addresses: dict[str, Address]
    settings: Settings
    session: str
    listener: int
    reports: int
    launcher: int
    argv: list[str]
    threads: int
    job: bytes = field(repr=False)
    supply: Supply | None = None
    device: str = ON_CPU
    certs: Path | None = None
    log: LogSettings | None = None
    oversight: Oversight = NO_OVERSIGHT


@dataclass(frozen=True)
class Ready:
    """Everything is imported: the child waits for the word to go."""


@dataclass(frozen=True)
class Result:
    """What the job returned, pickled."""

    value: bytes = field(repr=False)


@dataclass(frozen=True)
class Failed:
    """How the job failed; ``error`` is the exception, pickled, where that works."""

    failure: PartyFailure
    error: bytes = field(repr=False)


def main() -> None:
    """Entry point of the process. Standard input brings the orders, then the word to go; its end is the launcher's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the launcher, which ends its children itself
    orders: Orders = pipe.get(sys.stdin.buffer)
    _die_with(orders.launcher)
    os.set_inheritable(orders.listener, False)
    os.set_inheritable(orders.reports, False)
    with os.fdopen(orders.reports, "wb") as reports, written(orders.log, orders.name, orders.session):
        try:
            fn, args = pipe.loads(orders.job)
            sys.argv = orders.argv
            torch.set_num_threads(orders.threads)
            pipe.put(reports, Ready())
            _wait_for_go(sys.stdin.buffer)
            listener = socket.socket(fileno=orders.listener)
            node = (orders.name, orders.addresses, orders.settings, orders.session)
            supply, device, security = orders.supply, orders.device, _security(orders)
            result = run_node(*node, fn, args, listener, supply, device, security, oversight=orders.oversight)
            report: Any = Result(pipe.dumps(result))
        except BaseException as error:
            failure = PartyFailure.of(orders.name, error, _LAUNCHER_FRAMES)
            failure.error = None
            report = Failed(failure, _pickled(error))
        sys.stdout.flush()
        sys.stderr.flush()
        pipe.put(reports, report)


def _security(orders: Orders) -> Security | None:
    if orders.certs is None:
        return None
    from tacit.transport.tls import Tls

    pins = {name: [read(name, orders.certs).fingerprint] for name in orders.addresses}
    return Tls(read(orders.name, orders.certs), pins)


def _wait_for_go(orders: IO[bytes]) -> None:
    if orders.read(1) != GO:
        os._exit(1)
    threading.Thread(target=_watch, args=(orders,), name="tacit launcher watch", daemon=True).start()


def _watch(orders: IO[bytes]) -> None:
    """The pipe ends when the launcher ends, however it ends."""
    orders.raw.read(1)  # type: ignore[attr-defined]
    os._exit(1)


def _die_with(launcher: int) -> None:
    """Have the kernel kill this process when the launcher dies, even if it is stopped or busy then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:
        os._exit(1)


def _pickled(error: BaseException) -> bytes:
    try:
        return pipe.dumps(error)
    except Exception:
        return b""
