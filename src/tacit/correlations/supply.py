"""Correlated randomness that a run brings along, in place of the source that its settings would connect to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch

from tacit.correlations._base import Source
from tacit.party import Party
from tacit.profile.meter import Meter
from tacit.ring.device.staging import CPU
from tacit.settings import Settings

Highest = Callable[[int], int]
"""Tells all other parties a number, and returns the highest of all parties' numbers."""


class Supply(ABC):
    """Makes a party's ``Source`` at the start of a session; a plain value that may go to another process."""

    @abstractmethod
    def check(self, here: Sequence[str], names: tuple[str, ...], settings: Settings) -> None:
        """Raise ``MisuseError`` if the parties ``here``, of all ``names``, cannot be supplied from here."""

    @abstractmethod
    def facts(self, party: Party, settings: Settings) -> dict[str, str]:
        """What all parties must agree on before anything is used. Raises ``MisuseError`` if this one cannot."""

    @abstractmethod
    def connect(
        self, party: Party, settings: Settings, meter: Meter, highest: Highest, device: torch.device = CPU
    ) -> Source:
        """The source for one session, whose shares go to ``device``.

        ``highest`` talks to the other parties; every party calls it equally often.
        """
