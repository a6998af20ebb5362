"""The source for tests and teaching: party 0 makes everybody's correlated randomness, and so knows all of it."""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from tacit.correlations._base import CORRECTED, Delivery, Expanded, Source, make_correction, read_correction
from tacit.correlations.masks import Masks
from tacit.correlations.requests import Request
from tacit.correlations.seeds import receive_seed, send_seed
from tacit.correlations.streams import Streams
from tacit.errors import MisuseError
from tacit.party import Party
from tacit.ring.device.staging import CPU
from tacit.ring.prg import fresh_seed
from tacit.transport._base import Transport

_log = logging.getLogger(__name__)


class InsecureLocalSource(Source):
    """Party 0 draws all seeds, so it can compute every mask and with the openings every secret. Loopback only."""

    def __init__(self, party: Party, transport: Transport, generator: str, device: torch.device = CPU) -> None:
        super().__init__()
        if not transport.loopback:
            raise MisuseError(
                "randomness='insecure_local' lets the first party see every secret; it runs on one machine only. "
                "Use randomness='dealer' between machines."
            )
        _log.warning("randomness='insecure_local': party %r can compute every secret of this session", party.names[0])
        self._all: list[Streams] = []
        if party.rank == CORRECTED:
            seeds = [fresh_seed() for _ in party.names]
            for rank in party.others():
                send_seed(transport, party.names[rank], seeds[rank])
            self._all = [Streams(seed, generator, device) for seed in seeds]
            self._masks = Masks(self._all)
            self.streams = self._all[CORRECTED]
        else:
            self.streams = Streams(receive_seed(transport, party.names[CORRECTED]), generator, device)

    def fetch(self, request: Request) -> Delivery:
        """See ``Source``. Party 0 computes its correction at once."""
        if not self._all:
            return Expanded(self.streams, request)
        return _Corrected(read_correction(request, make_correction(request, self._all, self._masks)))

    def close(self) -> None:
        """See ``Source``."""


class _Corrected(Delivery):
    def __init__(self, shares: tuple[Tensor, ...]) -> None:
        self._shares = shares

    def get(self) -> tuple[Tensor, ...]:
        return self._shares
