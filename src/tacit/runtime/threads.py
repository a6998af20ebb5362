"""All parties as threads of this process: for tests and notebooks, where processes would only cost time."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from tacit.correlations import Supply
from tacit.disclosure.oversight import NO_OVERSIGHT, Oversight
from tacit.party import DEALER
from tacit.runtime.cores import ONE, computing_with
from tacit.runtime.devices import ON_CPU
from tacit.runtime.node import live
from tacit.runtime.outcome import PartyFailure, party_failed
from tacit.runtime.roles import nodes
from tacit.settings import Settings
from tacit.transport.failure import Category
from tacit.transport.memory import MemoryNetwork, MemoryTransport

_LAUNCHER_FRAMES = 3
_TICK_SECONDS = 0.1
_INTERRUPT_SECONDS = 1.0


def run_threads(
    fn: Callable[..., Any],
    names: tuple[str, ...],
    args: tuple[Any, ...],
    settings: Settings,
    supply: Supply | None = None,
    threads: int = ONE,
    device: str = ON_CPU,
    oversight: Mapping[str, Oversight] | None = None,
) -> dict[str, Any]:
    """Run ``fn(*args)`` as every party in threads; returns results by name. Raises PartyFailedError.

    threads: what PyTorch and the kernels use for each operation of the party that has the turn.
    oversight: for each party, its policy of reveals and the folder of its ledgers.
    """
    run = _Run(fn, names, args, settings, supply, device, oversight or {})
    try:
        with computing_with(threads):
            return run.results()
    except BaseException as error:
        run.interrupt(error)
        raise


class Turns:
    """Lets one party run at a time, each with its own state of PyTorch's default generator, as processes have it.

    Without it, parties that seed and draw at the same time would get each other's numbers; and threads that compete
    for the interpreter are slower than threads that take turns.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start = torch.get_rng_state()

    @contextmanager
    def mine(self) -> Iterator[None]:
        """A party's whole life: it has the turn except while it waits."""
        with self._lock:
            torch.set_rng_state(self._start)
            yield

    @contextmanager
    def away(self) -> Iterator[None]:
        """Gives the turn away while waiting for another party."""
        state = torch.get_rng_state()
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()
            torch.set_rng_state(state)


class _Run:
    def __init__(
        self,
        fn: Callable[..., Any],
        names: tuple[str, ...],
        args: tuple[Any, ...],
        settings: Settings,
        supply: Supply | None,
        device: str,
        oversight: Mapping[str, Oversight],
    ) -> None:
        self._fn, self._names, self._args, self._settings, self._supply = fn, names, args, settings, supply
        self._device, self._oversight = device, oversight
        self._session = uuid.uuid4().hex
        self._results: dict[str, Any] = {}
        self._failures: list[PartyFailure] = []
        self._turns = Turns()
        self._network = MemoryNetwork(nodes(names, settings))
        self._threads = [
            threading.Thread(target=self._node, args=(name,), name=f"tacit {name}", daemon=True)
            for name in self._network.names
        ]

    def results(self) -> dict[str, Any]:
        state = torch.get_rng_state()
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            while thread.is_alive():
                thread.join(_TICK_SECONDS)  # without a time-out, an interrupt may not get through
        torch.set_rng_state(state)
        if self._failures:
            raise party_failed(self._failures)
        return {name: self._results[name] for name in self._names}

    def interrupt(self, error: BaseException) -> None:
        for name in self._network.names:
            self._network.transport(name).abort(name, Category.INTERRUPTED)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_INTERRUPT_SECONDS / len(self._threads))

    def _node(self, name: str) -> None:
        transport = self._network.transport(name)
        try:
            if name == DEALER:
                self._live(transport)
            else:
                transport.around_wait = self._turns.away
                with self._turns.mine():
                    self._results[name] = self._live(transport)
        except BaseException as error:
            self._failures.append(PartyFailure.of(name, error, _LAUNCHER_FRAMES))

    def _live(self, transport: MemoryTransport) -> Any:
        node = transport, self._names, self._settings, self._session, self._fn, self._args
        oversight = self._oversight.get(transport.name, NO_OVERSIGHT)
        return live(*node, self._supply, self._device, oversight=oversight)
