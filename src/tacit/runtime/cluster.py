"""One party, or the dealer, on this host, and the others where a cluster says (today: on this machine too)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tacit.correlations import Supply
from tacit.errors import MisuseError
from tacit.party import DEALER
from tacit.runtime import wiring
from tacit.runtime.cores import ONE, check_threads, computing_with
from tacit.runtime.devices import ON_CPU, check_device
from tacit.runtime.node import run_node
from tacit.runtime.rendezvous import Address, listen
from tacit.settings import Settings


@dataclass(frozen=True)
class Cluster:
    """Who is where: the parties in order of rank, the dealer if there is one, and what the session is called.

    Every node needs the same one. A caller that does not know ``session`` is turned away.
    """

    session: str = field(repr=False)
    parties: Mapping[str, Address]
    dealer: Address | None
    settings: Settings

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parties in order of rank."""
        return tuple(self.parties)

    def addresses(self) -> dict[str, Address]:
        """Where all nodes of this session are. Raises MisuseError if it needs a dealer and there is none."""
        if not wiring.needs_dealer(self.settings):
            return dict(self.parties)
        if self.dealer is None:
            raise MisuseError("randomness='dealer' needs the address of a dealer, and the cluster has none.")
        return {**self.parties, DEALER: self.dealer}


def run_party(
    cluster: Cluster,
    name: str,
    fn: Callable[..., Any],
    args: Sequence[Any] = (),
    supply: Supply | None = None,
    threads: int = ONE,
    device: str = ON_CPU,
) -> Any:
    """Be the party ``name``: meet the others, run ``fn(*args)`` with them and return what it returned.

    threads, device: what this party computes with and where, its own choice.
    Raises MisuseError for an unknown name or an address that cannot be used, LinkError naming a node that does not
    come within ``connect_timeout``, HandshakeError naming what differs, and whatever ``fn`` raises.
    """
    if name not in cluster.parties:
        raise MisuseError(f"'{name}' is no party of this cluster; its parties are {', '.join(cluster.names)}.")
    check_threads(threads)
    check_device(device)
    addresses = cluster.addresses()
    wiring.check_supply(cluster.settings, supply)
    if supply is not None:
        supply.check([name], cluster.names, cluster.settings)
    listener = _listen(name, addresses[name])
    with computing_with(threads):
        return run_node(name, addresses, cluster.settings, cluster.session, fn, tuple(args), listener, supply, device)


def run_dealer(cluster: Cluster, threads: int = ONE, device: str = ON_CPU) -> None:
    """Be the dealer until all parties have finished. Raises as ``run_party`` does."""
    if not wiring.needs_dealer(cluster.settings):
        raise MisuseError("with these settings a session has no dealer.")
    check_device(device)
    addresses = cluster.addresses()
    listener = _listen(DEALER, addresses[DEALER])
    with computing_with(threads):
        run_node(DEALER, addresses, cluster.settings, cluster.session, listener=listener, device=device)


def _listen(name: str, address: Address) -> socket.socket:
    try:
        return listen(address)
    except OSError as error:
        host, port = address
        raise MisuseError(f"'{name}' cannot listen at {host}:{port}: {error.strerror or error}.") from None
