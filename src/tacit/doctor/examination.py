"""The whole examination of one node: what this host can see alone, then every peer, for a bounded time."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from time import monotonic, sleep

from tacit._version import PROTOCOL_VERSION, __version__
from tacit.doctor import local, verdict
from tacit.doctor.calling import Call, Hello, call, plain
from tacit.doctor.findings import Diagnosis, Finding, note, ok
from tacit.doctor.guests import Guests
from tacit.doctor.line import Line
from tacit.doctor.messages import Report
from tacit.doctor.visit import Talk, Visit
from tacit.errors import MisuseError
from tacit.runtime.cluster import Cluster
from tacit.runtime.lookup import Lookup
from tacit.runtime.rendezvous import Address, calls, listen
from tacit.settings import Settings
from tacit.transport.certificates import Identity
from tacit.transport.security import PlainLoopback, Security, is_loopback

GRACE_SECONDS = 12.0
"""How much longer than it waits for peers an examination may take, to finish with those who came."""

_RETRY_SECONDS = 0.5


def examine(cluster: Cluster, name: str, certs: Path, at: Address | None, wait: float) -> Diagnosis:
    """Examine node ``name`` of ``cluster`` on this host, and with all peers that come within ``wait`` seconds.

    certs: the folder of its certificate. at: where to listen, if not at its address. Ends within ``wait`` and
    ``GRACE_SECONDS``. Raises MisuseError for a name that is no node.
    """
    addresses = cluster.addresses()
    if name not in addresses:
        raise MisuseError(f"'{name}' is no node of this cluster; its nodes are {', '.join(addresses)}.")
    found = [local.versions(name)]
    security, identity, about = _security(cluster, name, certs)
    found += about
    listener, about = _listener(cluster, name, at)
    found += about
    if security is None:
        found.append(note("peers", name, "no peer was called or let in, without a certificate"))
        if listener is not None:
            listener.close()
        return Diagnosis(name, tuple(found), (), tuple(peer for peer in addresses if peer != name))
    days = None if identity is None else local.days_left(identity)
    meeting = _Meeting(cluster, name, security, listener, days, wait)
    meeting.hold()
    visits = meeting.visits.values()
    for visit in visits:
        found += verdict.on_name(visit.peer, addresses[visit.peer], meeting.lookups.get(visit.peer))
        found += verdict.on_visit(name, visit, meeting.mine, cluster.settings, meeting.hello.order)
        if not visit.came and not visit.calling and listener is None:
            found.append(note("connection", visit.peer, "it could not come, for want of a port here"))
        elif not visit.came:
            found.append(verdict.on_absence(name, visit.peer, addresses, meeting.last.get(visit.peer), wait))
    found += verdict.on_strangers(name, meeting.strangers)
    links = tuple(verdict.link(visit) for visit in visits if visit.result is not None)
    return Diagnosis(name, tuple(found), links, tuple(visit.peer for visit in visits if not visit.came))


def _security(cluster: Cluster, name: str, certs: Path) -> tuple[Security | None, Identity | None, list[Finding]]:
    if not cluster.certificates:
        text = "the cluster file lists none: everything stays on this machine, and connections are plain"
        return PlainLoopback(), None, [note("certificate", name, text)]
    identity, found = local.check_certificate(name, certs, cluster.certificates[name])
    if identity is None:
        return None, None, found
    from tacit.transport.tls import Tls

    return Tls(identity, cluster.certificates), identity, found


def _listener(cluster: Cluster, name: str, at: Address | None) -> tuple[socket.socket | None, list[Finding]]:
    address = at or cluster.addresses()[name]
    if address is None:
        return None, [ok("port", name, "has no address: it only connects to others, and needs no open port")]
    host, port = address
    if at is None and not is_loopback(host):
        host = ""
    try:
        listener = listen((host, port), _Anywhere() if cluster.certificates else PlainLoopback())
    except OSError as error:
        return None, [verdict.on_port(name, host, port, error)]
    return listener, [ok("port", name, f"can listen at {host or '*'}:{port}")]


class _Anywhere(PlainLoopback):
    """As a listener with certificates, although this node's own may not be fit for use."""

    def check_address(self, host: str) -> None:
        """Any will do."""


class _Meeting:
    def __init__(
        self,
        cluster: Cluster,
        name: str,
        security: Security,
        listener: socket.socket | None,
        certificate_days: int | None,
        wait: float,
    ) -> None:
        addresses = cluster.addresses()
        peers = [peer for peer in addresses if peer != name]
        self.hello = Hello(cluster.session, ", ".join(addresses), name, "")
        self.mine = Report(
            tacit=__version__,
            protocol=PROTOCOL_VERSION,
            torch=local.torch_version(),
            certificate_days=certificate_days,
            settings=_shared(cluster.settings),
        )
        self.visits = {peer: Visit(peer, calls(name, peer, addresses)) for peer in peers}
        # Nobody can come to a port that could not be had.
        self._awaited = [visit for visit in self.visits.values() if visit.calling or listener is not None]
        self.last: dict[str, Call] = {}
        self.lookups: dict[str, Lookup] = {}
        self.strangers: list[str] = []
        self._addresses, self._security = addresses, security
        self._plain = isinstance(security, PlainLoopback)
        self._wait_until = monotonic() + wait
        self._end = self._wait_until + GRACE_SECONDS
        self._floor, self._lock = threading.Lock(), threading.Lock()
        self._talking: set[str] = set()
        self._guests = (
            Guests(self.hello, listener, security, self._judge, self._arrived) if listener is not None else None
        )

    def hold(self) -> None:
        if self._guests:
            self._guests.start()
        threads = [
            threading.Thread(target=self._call, args=(visit,), name=f"tacit doctor {visit.peer}", daemon=True)
            for visit in self.visits.values()
            if visit.calling
        ]
        for thread in threads:
            thread.start()
        while not self._finished():
            sleep(0.05)
        if self._guests:
            self._guests.stop()
            self.strangers = list(self._guests.strangers)

    def _finished(self) -> bool:
        now = monotonic()
        with self._lock:
            talking = bool(self._talking)
        if all(visit.done for visit in self._awaited) or now >= self._end:
            return True
        return now >= self._wait_until and not talking

    def _over(self) -> bool:
        """Whether nobody else is waited for: everyone is measured, or the time for coming is up."""
        return monotonic() >= self._wait_until or all(visit.result for visit in self._awaited)

    def _call(self, visit: Visit) -> None:
        address = self._addresses[visit.peer]
        if address is None:
            return
        lookup = self.lookups[visit.peer] = Lookup(address)
        hello = Hello(self.hello.session, self.hello.order, self.hello.name, visit.peer)
        while not visit.done and (monotonic() < self._wait_until or visit.peer not in self.last):
            made = call(lookup, address, hello, self._security, self._wait_until)
            if monotonic() < self._wait_until or visit.peer not in self.last:  # else it had no time to come far
                self.last[visit.peer] = made
            if made.line is not None and made.answer is not None:
                same = made.answer.get("same_session") is True
                self._talk(visit, made.line, plain(made.answer.get("order")), same)
            sleep(_RETRY_SECONDS)

    def _judge(self, hello: Hello) -> str:
        if self._plain and not hello.is_for_session(self.hello.session):
            return "it was started for another session"
        visit = self.visits.get(hello.name)
        if visit is None or visit.calling:
            return f"'{plain(hello.name)}' is not expected at '{self.hello.name}'"
        if hello.to != self.hello.name:
            return f"'{hello.name}' looks for '{plain(hello.to)}' at the address of '{self.hello.name}'"
        with self._lock:
            if hello.name in self._talking:
                return f"'{hello.name}' is connected to '{self.hello.name}' already; is it running twice?"
        if visit.done:
            return f"'{self.hello.name}' is done with '{hello.name}': start both again for another examination"
        return ""

    def _arrived(self, hello: Hello, line: Line, same_session: bool) -> None:
        self._talk(self.visits[hello.name], line, plain(hello.order), same_session)

    def _talk(self, visit: Visit, line: Line, order: str, same_session: bool) -> None:
        with self._lock:
            if visit.peer in self._talking:
                line.close()
                return
            self._talking.add(visit.peer)
        try:
            visit.order, visit.same_session = order, same_session
            Talk(visit, line, self.mine, self._floor, self._over, self._end).hold()
        finally:
            with self._lock:
                self._talking.discard(visit.peer)


def _shared(settings: Settings) -> dict[str, str]:
    """Those that all nodes must agree on: time-outs are each node's own affair, as in the handshake."""
    return {key: str(value) for key, value in settings.as_dict().items() if not key.endswith("_timeout")}
