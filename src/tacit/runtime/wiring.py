"""Puts a session together: transport, handshake, channel, source of randomness, protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch

from tacit import correlations, protocols
from tacit.correlations import Source, Supply, dealer
from tacit.disclosure.oversight import NO_OVERSIGHT, Overseer, Oversight
from tacit.errors import MisuseError
from tacit.party import DEALER, Party
from tacit.profile import Ledger, Meter
from tacit.ring.device.staging import CPU
from tacit.runtime import handshake
from tacit.runtime.session import Session
from tacit.settings import Settings
from tacit.tensor.shadow import Shadows
from tacit.transport._base import Transport
from tacit.transport.channel import Channel
from tacit.transport.transcript import Transcript


def check_supply(settings: Settings, supply: Supply | None) -> None:
    """Raise MisuseError unless the run brings material along exactly where its settings say so."""
    if protocols.needs_source(settings) and settings.randomness == "directory" and supply is None:
        raise MisuseError(
            "randomness='directory' takes what was dealt ahead of time: say where it lies, with material=... or "
            "--material. `tacit plan` and `tacit deal` make it."
        )
    if supply is not None and settings.randomness != "directory":
        raise MisuseError(
            f"material belongs to randomness='directory', and the settings of this run say {settings.randomness!r}."
        )


def open_session(
    transport: Transport,
    names: tuple[str, ...],
    settings: Settings,
    session: str,
    supply: Supply | None = None,
    device: torch.device = CPU,
    oversight: Oversight = NO_OVERSIGHT,
) -> Session:
    """The session of the party ``transport.name``. Raises HandshakeError, naming what differs between the nodes.

    supply: where correlated randomness comes from, if not from what the settings would connect to. device: where this
    party computes. oversight: its policy and the folder of its ledgers.
    """
    party = Party(transport.name, names.index(transport.name), names)
    supplied = supply.facts(party, settings) if supply is not None else {}
    _shake_hands(transport, names, settings, session, supplied)
    secrets = handshake.make_secrets(transport, names, session)
    meter = Meter()
    channel = Channel(party, transport, Transcript(secrets.key), meter, device)
    source = _source(transport, party, settings, meter, supply, device) if protocols.needs_source(settings) else None
    protocol = protocols.make_protocol(settings, party, channel, source, secrets.pair_seeds)
    if settings.debug:
        protocol.shadows = Shadows(protocol)
    overseer = Overseer(oversight, secrets.number, names, party.name)
    return Session(party, settings, transport, channel, protocol, source, meter, Ledger(overseer), overseer)


def serve_dealer(
    transport: Transport,
    names: tuple[str, ...],
    settings: Settings,
    session: str,
    device: torch.device = CPU,
    begun: Callable[[dealer.Dealer], None] | None = None,
) -> None:
    """Be the dealer until all parties have said goodbye. begun: see ``dealer.serve``."""
    _shake_hands(transport, names, settings, session, {})
    dealer.serve(transport, settings, names, device, begun)


def _source(
    transport: Transport, party: Party, settings: Settings, meter: Meter, supply: Supply | None, device: torch.device
) -> Source:
    if supply is None:
        return correlations.make_source(settings, party, transport, meter, device)
    highest = partial(handshake.agree_on_highest, transport, party.names)
    return supply.connect(party, settings, meter, highest, device)


def _shake_hands(
    transport: Transport, names: tuple[str, ...], settings: Settings, session: str, supplied: Mapping[str, str]
) -> None:
    has_dealer = DEALER in (transport.name, *transport.peers)
    handshake.agree(
        transport, {**handshake.facts(names, DEALER if has_dealer else None, session, settings), **supplied}
    )
