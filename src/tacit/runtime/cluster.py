"""One party, or the dealer, on this host, and the others where a cluster says.

What stands on PyTorch is imported where a node is run: a cluster is read, and looked at, without.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacit.disclosure.oversight import NO_OVERSIGHT, Oversight
from tacit.errors import MisuseError
from tacit.operation.observer import Observer
from tacit.party import DEALER
from tacit.runtime.defaults import CERTS, ON_CPU, ONE
from tacit.runtime.rendezvous import Address, calls, listen
from tacit.runtime.roles import needs_dealer
from tacit.settings import Settings
from tacit.transport.certificates import Pins, read
from tacit.transport.security import PlainLoopback, Security, is_loopback

if TYPE_CHECKING:
    from tacit.correlations import Supply


@dataclass(frozen=True)
class Cluster:
    """Who is where: the parties in order of rank, the dealer if there is one, and what the session is called.

    Every node needs the same one. A caller that does not know ``session`` is turned away. An address of None: a node
    that connects to the others, and to which nobody can connect. certificates: the fingerprints that each node's
    certificate may have; without any, everything stays on this machine.
    """

    session: str = field(repr=False)
    parties: Mapping[str, Address | None]
    dealer: Address | None
    settings: Settings
    certificates: Mapping[str, Pins] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise MisuseError for addresses that cannot work, certificates that are missing, nodes that cannot meet."""
        nodes = dict(self.parties) | ({DEALER: self.dealer} if self.dealer else {})
        if self.certificates:
            missing = [name for name in nodes if name not in self.certificates]
            unknown = [name for name in self.certificates if name not in nodes]
            if missing or unknown:
                raise MisuseError(
                    f"every node needs its certificate's fingerprint: {', '.join(missing) or 'nobody'} has none"
                    + (f", and {', '.join(unknown)} is no node." if unknown else ".")
                )
        else:
            for address in nodes.values():
                if address is not None:
                    PlainLoopback().check_address(address[0])
        for me in nodes:
            for peer in nodes:
                if me != peer:
                    calls(me, peer, nodes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parties in order of rank."""
        return tuple(self.parties)

    def check_party(self, name: str) -> None:
        """Raise MisuseError unless ``name`` is a party's."""
        if name not in self.parties:
            raise MisuseError(f"'{name}' is no party of this cluster; its parties are {', '.join(self.names)}.")

    def addresses(self) -> dict[str, Address | None]:
        """Where all nodes of this session are. Raises MisuseError if it needs a dealer and there is none."""
        if not needs_dealer(self.settings):
            return dict(self.parties)
        if self.dealer is None:
            raise MisuseError("randomness='dealer' needs the address of a dealer, and the cluster has none.")
        return {**self.parties, DEALER: self.dealer}

    def observer(self, name: str, job: str | None = None) -> Observer:
        """What sees how node ``name`` fares, running ``job``."""
        peers = (peer for peer in self.addresses() if peer != name)
        return Observer(name, peers, self.session, self.settings.heartbeat_timeout, job)

    def security(self, name: str, folder: str | Path) -> Security:
        """What protects the connections of node ``name``, whose certificate lies in ``folder``."""
        if not self.certificates:
            return PlainLoopback()
        from tacit.transport.tls import Tls  # only those who need it load it

        identity = read(name, Path(folder))
        if not identity.fingerprint_in(self.certificates[name]):
            raise MisuseError(
                f"the certificate of '{name}' in {folder} is not the one that the others expect: its fingerprint is "
                f"{identity.fingerprint}. Put that under [certificates], at every node."
            )
        return Tls(identity, self.certificates)


def run_party(
    cluster: Cluster,
    name: str,
    fn: Callable[..., Any],
    args: Sequence[Any] = (),
    supply: Supply | None = None,
    threads: int = ONE,
    device: str = ON_CPU,
    certs: str | Path = CERTS,
    at: Address | None = None,
    observer: Observer | None = None,
    oversight: Oversight = NO_OVERSIGHT,
) -> Any:
    """Be the party ``name``: meet the others, run ``fn(*args)`` with them and return what it returned.

    threads, device: what this party computes with and where, its own choice. certs: the folder of its key and
    certificate. at: where to listen, if not at the address that the cluster tells the others. observer: see
    ``Cluster.observer``. oversight: its policy of reveals and the folder of its ledgers, its own affair too.
    Raises MisuseError for an unknown name or an address that cannot be used, LinkError naming a node that does not
    come within ``connect_timeout``, HandshakeError naming what differs, and whatever ``fn`` raises.
    """
    from tacit.runtime.cores import check_threads, computing_with
    from tacit.runtime.devices import check_device
    from tacit.runtime.node import run_node
    from tacit.runtime.wiring import check_supply

    cluster.check_party(name)
    check_threads(threads)
    check_device(device)
    addresses = cluster.addresses()
    check_supply(cluster.settings, supply)
    if supply is not None:
        supply.check([name], cluster.names, cluster.settings)
    oversight.check(cluster.names, cluster.settings)
    security = cluster.security(name, certs)
    observer = observer or cluster.observer(name)
    listener = _listen(name, at or addresses[name], security, at is None, observer)
    rest = (fn, tuple(args), listener, supply, device, security, observer, oversight)
    with computing_with(threads):
        return run_node(name, addresses, cluster.settings, cluster.session, *rest)


def run_dealer(
    cluster: Cluster,
    threads: int = ONE,
    device: str = ON_CPU,
    certs: str | Path = CERTS,
    at: Address | None = None,
    observer: Observer | None = None,
) -> None:
    """Be the dealer until all parties have finished. Raises as ``run_party`` does."""
    from tacit.runtime.cores import computing_with
    from tacit.runtime.devices import check_device
    from tacit.runtime.node import run_node

    if not needs_dealer(cluster.settings):
        raise MisuseError("with these settings a session has no dealer.")
    check_device(device)
    addresses = cluster.addresses()
    security = cluster.security(DEALER, certs)
    observer = observer or cluster.observer(DEALER)
    listener = _listen(DEALER, at or addresses[DEALER], security, at is None, observer)
    rest = {"listener": listener, "device": device, "security": security, "observer": observer}
    with computing_with(threads):
        run_node(DEALER, addresses, cluster.settings, cluster.session, **rest)  # type: ignore[arg-type]


def _listen(
    name: str, address: Address | None, security: Security, anywhere: bool, observer: Observer
) -> socket.socket | None:
    """anywhere: the address is what others connect to, which need not be one of this host's own."""
    if address is None:
        return None
    host, port = address
    if anywhere and not is_loopback(host):
        host = ""
    try:
        listener = listen((host, port), security)
        observer.listening(listener.getsockname())
        return listener
    except OSError as error:
        raise MisuseError(f"'{name}' cannot listen at {host}:{port}: {error.strerror or error}.") from None
