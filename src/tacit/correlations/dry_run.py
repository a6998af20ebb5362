"""The dry run from which a plan is made: all parties in one process, which deals to itself and writes down requests."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit.correlations._base import CORRECTED, Delivery, Expanded, Source, make_correction, read_correction
from tacit.correlations.masks import Masks
from tacit.correlations.plan import Plan, planned_settings
from tacit.correlations.requests import Request
from tacit.correlations.streams import Streams
from tacit.correlations.supply import Highest, Supply
from tacit.party import Party
from tacit.profile.meter import Meter
from tacit.ring.device.staging import CPU
from tacit.ring.prg import fresh_seed
from tacit.settings import Settings


class DryRun(Supply):
    """Supplies one run of threads and remembers what was asked for.

    What it deals is right, so that a program whose course depends on revealed values takes its real course.
    """

    def __init__(self, names: Sequence[str], settings: Settings) -> None:
        self._names, self._settings = tuple(names), settings
        self._streams = [Streams(fresh_seed(), settings.generator) for _ in names]
        self._requests: list[Request] = []

    def plan(self) -> Plan:
        """What was asked for so far."""
        return Plan(self._names, planned_settings(self._settings), tuple(self._requests))

    def check(self, here: Sequence[str], names: tuple[str, ...], settings: Settings) -> None:
        """See ``Supply``. Nothing to check."""

    def facts(self, party: Party, settings: Settings) -> dict[str, str]:
        """See ``Supply``. Nothing to agree on."""
        return {}

    def connect(
        self, party: Party, settings: Settings, meter: Meter, highest: Highest, device: torch.device = CPU
    ) -> Source:
        """See ``Supply``. The corrected party's requests are written down; all parties make the same ones."""
        if party.rank == CORRECTED:
            return _Recorded(self._streams, self._requests, meter)
        return _Others(self._streams[party.rank])


class _Others(Source):
    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self.streams = streams

    def fetch(self, request: Request) -> Delivery:
        return Expanded(self.streams, request)

    def close(self) -> None:
        pass


class _Recorded(_Others):
    def __init__(self, streams: list[Streams], requests: list[Request], meter: Meter) -> None:
        super().__init__(streams[CORRECTED])
        self._all, self._masks, self._requests, self._meter = streams, Masks(streams), requests, meter

    def fetch(self, request: Request) -> Delivery:
        self._requests.append(request)
        return _Dealt(self, request)

    def deal(self, request: Request) -> tuple[Tensor, ...]:
        correction = make_correction(request, self._all, self._masks)
        self._meter.dealer(correction.nbytes)
        return read_correction(request, correction)


class _Dealt(Delivery):
    def __init__(self, source: _Recorded, request: Request) -> None:
        self._source, self._request = source, request

    def get(self) -> tuple[Tensor, ...]:
        return self._source.deal(self._request)
