"""The source that a session's settings name."""

from __future__ import annotations

import torch

from tacit.correlations._base import Source
from tacit.correlations.dealer_source import DealerSource
from tacit.correlations.insecure_local import InsecureLocalSource
from tacit.errors import InternalError
from tacit.party import Party
from tacit.profile.meter import Meter
from tacit.ring.device.staging import CPU
from tacit.settings import Settings
from tacit.transport._base import Transport


def make_source(
    settings: Settings, party: Party, transport: Transport, meter: Meter, device: torch.device = CPU
) -> Source:
    """Connect this party to the source of correlated randomness that the settings name; shares go to ``device``."""
    if settings.randomness == "dealer":
        return DealerSource(party, transport, settings.generator, meter, device)
    if settings.randomness == "directory":
        raise InternalError("what was dealt ahead of time is brought along by the run, as a Supply")
    return InsecureLocalSource(party, transport, settings.generator, device)
