"""The source that a session's settings name."""

from __future__ import annotations

from tacit.correlations._base import Source
from tacit.correlations.dealer_source import DealerSource
from tacit.correlations.insecure_local import InsecureLocalSource
from tacit.errors import InternalError
from tacit.party import Party
from tacit.profile.meter import Meter
from tacit.settings import Settings
from tacit.transport._base import Transport


def make_source(settings: Settings, party: Party, transport: Transport, meter: Meter) -> Source:
    """Connect this party to the source of correlated randomness that the settings name."""
    if settings.randomness == "dealer":
        return DealerSource(party, transport, settings.generator, meter)
    if settings.randomness == "directory":
        raise InternalError("what was dealt ahead of time is brought along by the run, as a Supply")
    return InsecureLocalSource(party, transport, settings.generator)
