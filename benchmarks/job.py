"""What every party runs for one row: make secrets, repeat the work with the clock on, reveal the last result."""

from __future__ import annotations

import cProfile
import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

import tacit
from benchmarks import processes
from benchmarks.rows import CLINIC, JOINT, LAB, Work, rows
from tacit.party import DEALER
from tacit.runtime.session import current
from tacit.transport.prediction import PredictingTransport, predict
from tacit.transport.shaped import NETWORKS, shape

SETTINGS = tacit.Settings(heartbeat_timeout=60)
"""The defaults, with patience: a busy machine may keep a process waiting."""

PREPARED_MB = 256
"""Memory for dealt material that is made ready before the clock is on."""

_WARM = 2
"""Repetitions before those that count: after two the dealer foresees what is asked for next."""


@dataclass(frozen=True)
class Repetition:
    """One repetition at one party.

    cpu: seconds of processor time in it. dealer_cpu: the same of the dealer, since the previous repetition. predicted:
    what it would take over each network that was asked for.
    """

    seconds: float
    cpu: float
    rounds: int
    bytes_sent: int
    dealer_bytes: int
    dealer_cpu: float
    predicted: dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """What one party measured. first: the first repetition, where weights are opened and the dealer starts cold.

    preparing: seconds before a repetition in which material was made ready, the mean of all ``runs``.
    """

    first: Repetition
    repetitions: list[Repetition]
    runs: int
    preparing: float
    peak_mb: float
    dealer_peak_mb: float
    table: str
    results: list[Tensor] = field(repr=False, default_factory=list)


def job(
    name: str, repeat: int, network: str | None = None, profile: str | None = None, networks: tuple[str, ...] = ()
) -> Outcome:
    """Measure the row ``name``: one first repetition, one more to warm up, then ``repeat``, each on new inputs.

    network: the links to run over, bare loopback if None. networks: those to predict meanwhile.
    """
    torch.set_num_threads(1)
    row = rows()[name]
    work = row.make()
    me = tacit.party()
    _import_what_pytorch_puts_off(work)
    if network is not None:
        shape(current().channel, NETWORKS[network])
    predicted = predict(current().channel, [NETWORKS[name] for name in networks]) if networks else None
    net = tacit.secret(work.net, owner=LAB)
    if row.sharing == JOINT:
        forget_owner(net)
    clock = _Clock(processes.sibling(DEALER), predicted)
    every: list[Repetition] = []
    table = ""
    for number in range(_WARM + repeat):
        inputs = [_secret(work, i, row.sharing) for i in range(len(work.inputs))]
        last = number == _WARM + repeat - 1
        profiler = cProfile.Profile() if profile and last and me.name == LAB else None
        out, repetition, table = clock.run(lambda inputs=inputs: work.call(net, *inputs), profiler)  # type: ignore[misc]
        every.append(repetition)
        if profiler is not None:
            profiler.dump_stats(str(profile))
    peak, dealer_peak = processes.peak_mb(), processes.peak_mb(clock.dealer) if clock.dealer else 0.0
    wanted = list(net.parameters()) if work.trains else [out]
    revealed = [tacit.reveal(x.detach()) for x in wanted]
    results = revealed if me.name == LAB else []
    return Outcome(every[0], every[_WARM:], len(every), clock.preparing / len(every), peak, dealer_peak, table, results)


def _import_what_pytorch_puts_off(work: Work) -> None:
    """Hundreds of modules at the first operation on a foreign kind of tensor, and more at the first optimizer."""
    importlib.import_module("torch.distributed.tensor")
    if work.trains:
        importlib.import_module("torch._dynamo")


class _Clock:
    """Times a computation on secrets between two barriers, while the dealer is idle and its stock is full."""

    def __init__(self, dealer: int | None, predicted: PredictingTransport | None) -> None:
        self.dealer = dealer
        self.preparing = 0.0
        self._predicted = predicted
        self._dealer_cpu = 0.0

    def run(self, work: Callable[[], Tensor], profiler: cProfile.Profile | None) -> tuple[Tensor, Repetition, str]:
        if self.dealer is not None:
            processes.wait_until_idle(self.dealer)
        began = time.perf_counter()
        tacit.prepare(PREPARED_MB)
        self.preparing += time.perf_counter() - began
        barrier()
        with tacit.profile() as costs:
            before = self._predicted_seconds()
            start, cpu = time.perf_counter(), time.process_time()
            if profiler is not None:
                profiler.enable()
            out = work()
            settle(out)
            if profiler is not None:
                profiler.disable()
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            predicted = {name: after - before[name] for name, after in self._predicted_seconds().items()}
        dealer_cpu = self._dealer_seconds()
        counts = costs.rounds, costs.bytes_sent, costs.dealer_bytes
        repetition = Repetition(seconds, cpu, *counts, dealer_cpu, predicted)
        return out, repetition, str(costs.table("primitive"))

    def _predicted_seconds(self) -> dict[str, float]:
        return self._predicted.seconds() if self._predicted is not None else {}

    def _dealer_seconds(self) -> float:
        if self.dealer is None:
            return 0.0
        before, self._dealer_cpu = self._dealer_cpu, processes.cpu_seconds(self.dealer)
        return self._dealer_cpu - before


def settle(out: Tensor) -> None:
    """Bring a result to the state in which any consumer could take it: truncated, nothing left open."""
    session = current()
    session.protocol.settle(out._share)  # type: ignore[attr-defined]
    if session.channel.device.type == "cuda":
        torch.cuda.synchronize(session.channel.device)


def barrier() -> None:
    """Wait for all parties."""
    channel = current().channel
    channel.transcript.begin("barrier", "")
    channel.broadcast(torch.zeros(1, dtype=torch.int64)).wait()


def _secret(work: Work, number: int, sharing: str) -> Tensor:
    owner = LAB if number in work.weights else CLINIC
    x = tacit.secret(work.inputs[number], owner=owner)
    return nobodys(x) if sharing == JOINT else x


def nobodys(x: Tensor) -> Tensor:
    """The same secret as the sum of two parties' numbers, so that no party knows it in the clear."""
    zeros = [tacit.secret(torch.zeros((), dtype=x.dtype), owner=owner) for owner in (LAB, CLINIC)]
    return x + zeros[0] + zeros[1]


def forget_owner(net: nn.Module) -> None:
    """Make every secret parameter one that no party knows in the clear."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(nobodys(parameter))
