"""Puts a session together: transport, handshake, channel, source of randomness, protocol."""

from __future__ import annotations

from tacit import correlations, protocols
from tacit.correlations import dealer
from tacit.party import DEALER, Party
from tacit.profile import Meter
from tacit.runtime import handshake
from tacit.runtime.session import Session
from tacit.settings import Settings
from tacit.transport._base import Transport
from tacit.transport.channel import Channel
from tacit.transport.transcript import Transcript


def needs_dealer(settings: Settings) -> bool:
    """Whether a run with ``settings`` has a dealer."""
    return settings.protocol != "plaintext" and settings.randomness == "dealer"


def nodes(names: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """The names of all nodes in order of rank: the parties, then the dealer if there is one."""
    return (*names, DEALER) if needs_dealer(settings) else names


def open_session(transport: Transport, names: tuple[str, ...], settings: Settings, session: str) -> Session:
    """The session of the party ``transport.name``. Raises HandshakeError, naming what differs between the nodes."""
    _shake_hands(transport, names, settings, session)
    secrets = handshake.make_secrets(transport, names, session)
    party = Party(transport.name, names.index(transport.name), names)
    meter = Meter()
    channel = Channel(party, transport, Transcript(secrets.key), meter)
    needs_source = settings.protocol != "plaintext"
    source = correlations.make_source(settings, party, transport, meter) if needs_source else None
    protocol = protocols.make(settings, party, channel, source, secrets.pair_seeds)
    return Session(party, settings, transport, channel, protocol, source, meter)


def serve_dealer(transport: Transport, names: tuple[str, ...], settings: Settings, session: str) -> None:
    """Be the dealer until all parties have said goodbye."""
    _shake_hands(transport, names, settings, session)
    dealer.serve(transport, settings, names)


def _shake_hands(transport: Transport, names: tuple[str, ...], settings: Settings, session: str) -> None:
    has_dealer = DEALER in (transport.name, *transport.peers)
    handshake.agree(transport, handshake.facts(names, DEALER if has_dealer else None, session, settings))
