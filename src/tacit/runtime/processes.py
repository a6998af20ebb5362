"""Each party, and the dealer, as a process of its own on this machine, over TCP on loopback."""

from __future__ import annotations

import importlib.util
import json
import os
import selectors
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import IO, Any, cast

import cloudpickle

from tacit.correlations import Supply
from tacit.disclosure.oversight import NO_OVERSIGHT, Oversight
from tacit.errors import MisuseError
from tacit.operation import logs
from tacit.runtime import pipe
from tacit.runtime.child import GO, Failed, Orders, Ready, Result
from tacit.runtime.cores import ONE
from tacit.runtime.devices import ON_CPU
from tacit.runtime.outcome import PartyFailure, ended, party_failed
from tacit.runtime.rendezvous import listen
from tacit.runtime.roles import nodes
from tacit.settings import Settings

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "import tacit.runtime.api; from tacit.runtime.child import main; main()  # a node of tacit.run: "
)
_LAST_WORDS_SECONDS = 2.0
"""After a first failure: how long the others may take to report theirs."""

_CULPRIT_SECONDS = 1.0
_EXIT_SECONDS = 2.0
_TERMINATE_SECONDS = 0.3
_TICK_SECONDS = 0.1


def run_processes(
    fn: Callable[..., Any],
    names: tuple[str, ...],
    args: tuple[Any, ...],
    settings: Settings,
    supply: Supply | None = None,
    threads: int = ONE,
    device: str = ON_CPU,
    certs: Path | None = None,
    oversight: Mapping[str, Oversight] | None = None,
) -> dict[str, Any]:
    """Run ``fn(*args)`` as every party in processes; returns results by name. Raises PartyFailedError.

    threads: what PyTorch and the kernels use in each process. certs: a folder with a certificate and key of every node:
    the links are then protected as between machines (which shows what that costs). oversight: for each party, its
    policy of reveals and the folder of its ledgers; each is told its own.
    No process is left when this returns or raises, nor when this process is killed.
    """
    run = _Run(_pickled_job(fn, args), nodes(names, settings), settings, supply, threads, device, certs, oversight)
    try:
        reports = run.reports()
    finally:
        run.end()
    return {name: reports[name] for name in names}


class _Child:
    """One process, the pipe of its reports, and what it reported."""

    def __init__(self, name: str, listener: socket.socket) -> None:
        self.name = name
        self.report: Result | Failed | None = None
        self.ready = False
        reader, writer = os.pipe()
        self.reports: IO[bytes] = os.fdopen(reader, "rb")
        self.report_fd = writer
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _BOOT + name, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                pass_fds=(listener.fileno(), writer),
                process_group=0,  # a terminal's Ctrl-C reaches the launcher only
            )
        finally:
            os.close(writer)
        self.orders = cast(IO[bytes], self.process.stdin)

    def order(self, orders: Orders) -> None:
        with suppress(OSError):  # it has died; its pipe of reports tells
            pipe.put(self.orders, orders)

    def go(self) -> None:
        with suppress(OSError):
            self.orders.write(GO)
            self.orders.flush()

    def end(self) -> None:
        for stream in (self.orders, self.reports):
            with suppress(OSError):
                stream.close()


class _Run:
    def __init__(
        self,
        job: bytes,
        nodes: tuple[str, ...],
        settings: Settings,
        supply: Supply | None,
        threads: int,
        device: str,
        certs: Path | None,
        oversight: Mapping[str, Oversight] | None,
    ) -> None:
        if certs is None:
            settings = replace(settings, reconnect_timeout=0)  # nothing comes between processes of one machine
        self.job, self.nodes, self.settings, self.supply, self.threads = job, nodes, settings, supply, threads
        self.device, self.certs, self.oversight = device, certs, oversight or {}
        self.children: list[_Child] = []
        self.failures: list[PartyFailure] = []

    def reports(self) -> dict[str, Any]:
        self.start()
        first: float | None = None
        with selectors.DefaultSelector() as selector:
            for child in self.children:
                selector.register(child.reports, selectors.EVENT_READ, child)
            while selector.get_map():
                for key, _ in selector.select(_TICK_SECONDS):
                    if self.hear(key.data):
                        selector.unregister(key.fileobj)
                if self.failures and first is None:
                    first = monotonic()
                if first is not None and (monotonic() >= first + self.patience() or not self.all_ready()):
                    break
        if self.failures:
            raise party_failed(self.failures)
        values = {child.name: child.report for child in self.children}
        return {name: pipe.loads(report.value) for name, report in values.items() if isinstance(report, Result)}

    def start(self) -> None:
        listeners = {name: listen(("127.0.0.1", 0)) for name in self.nodes}
        try:
            addresses = {name: listener.getsockname()[:2] for name, listener in listeners.items()}
            session = uuid.uuid4().hex
            for name, listener in listeners.items():
                self.children.append(_Child(name, listener))
            for child in self.children:
                listener_fd = listeners[child.name].fileno()
                fds = (listener_fd, child.report_fd, os.getpid())
                child.order(
                    Orders(
                        child.name,
                        addresses,
                        self.settings,
                        session,
                        *fds,
                        sys.argv,
                        self.threads,
                        self.job,
                        self.supply,
                        self.device,
                        self.certs,
                        logs.current(),
                        self.oversight.get(child.name, NO_OVERSIGHT),
                    )
                )
        finally:
            for listener in listeners.values():
                listener.close()

    def all_ready(self) -> bool:
        return all(child.ready for child in self.children)

    def patience(self) -> float:
        """How long to wait for reports after the first failure. Shorter if only those are silent whom others blame.

        They may be frozen and never report; but one that failed tells the others first, and us right after.
        """
        blamed = {failure.culprit for failure in self.failures}
        only_culprits = all(child.report is not None or child.name in blamed for child in self.children)
        return _CULPRIT_SECONDS if only_culprits else _LAST_WORDS_SECONDS

    def hear(self, child: _Child) -> bool:
        """Take in one report; True when it was the last one of this child."""
        try:
            report = pipe.get(child.reports)
        except EOFError:
            self.failures.append(ended(child.name, child.process.wait(_EXIT_SECONDS)))
            return True
        if isinstance(report, Ready):
            child.ready = True
            if self.all_ready():
                for each in self.children:
                    each.go()
            return False
        child.report = report
        if isinstance(report, Failed):
            report.failure.error = _rebuilt(report.error)
            self.failures.append(report.failure)
        return True

    def end(self) -> None:
        """Leave no process behind."""
        reported = all(child.report is not None for child in self.children)
        self.wait(_EXIT_SECONDS if reported and not self.failures else 0.0)
        for child in self.alive():
            child.process.terminate()
        self.wait(_TERMINATE_SECONDS)
        for child in self.alive():
            child.process.kill()
        for child in self.children:
            child.process.wait()
            child.end()

    def alive(self) -> list[_Child]:
        return [child for child in self.children if child.process.poll() is None]

    def wait(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        for child in self.children:
            try:
                child.process.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                return


def _pickled_job(fn: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    """The function by value where a child could not import it: scripts, notebooks, some test modules."""
    module = sys.modules.get(getattr(fn, "__module__", None) or "")
    by_value = module is not None and module.__name__ != "__main__" and not _importable(module.__name__)
    if by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        return pipe.dumps((fn, args))
    except Exception as error:
        raise MisuseError(
            f"the job cannot be sent to another process: {error}. Open files, sockets and the like inside the job, "
            'or use backend="threads".'
        ) from error
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)


def _importable(name: str) -> bool:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    if spec is None or spec.origin is None:
        return False
    return spec.origin == getattr(sys.modules[name], "__file__", None)


def _rebuilt(error: bytes) -> BaseException | None:
    try:
        value = pipe.loads(error)
    except Exception:
        return None
    return value if isinstance(value, BaseException) else None
