"""The protocol that a session's settings name."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from tacit.correlations._base import Source
from tacit.errors import InternalError
from tacit.party import Party
from tacit.protocols._base import Protocol
from tacit.protocols.additive.protocol import AdditiveProtocol
from tacit.protocols.debug import WARNING, DebugAdditiveProtocol
from tacit.protocols.plaintext.protocol import PlaintextProtocol
from tacit.settings import Settings
from tacit.transport.channel import Channel

_log = logging.getLogger(__name__)


def make_protocol(
    settings: Settings, party: Party, channel: Channel, source: Source | None, pair_seeds: Mapping[int, bytes]
) -> Protocol:
    """This party's end of the protocol. ``pair_seeds``: by rank, what this party has in common with each other one."""
    if settings.debug:
        _log.warning(WARNING)
    if settings.protocol == "plaintext":
        return PlaintextProtocol(party, settings, channel)
    if source is None:
        raise InternalError("the additive protocol needs a source of correlated randomness")
    kind = DebugAdditiveProtocol if settings.debug else AdditiveProtocol
    return kind(party, settings, channel, source, pair_seeds)


def needs_source(settings: Settings) -> bool:
    """Whether the protocol asks for correlated randomness at all."""
    return settings.protocol != "plaintext"
