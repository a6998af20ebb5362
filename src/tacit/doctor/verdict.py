"""What the things seen mean for an operator: findings with advice, in plain words."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence

from tacit.doctor.calling import Call, Stage
from tacit.doctor.findings import Finding, Link, mend, note, ok
from tacit.doctor.local import validity
from tacit.doctor.messages import Report
from tacit.doctor.visit import Visit
from tacit.runtime.lookup import Lookup
from tacit.runtime.rendezvous import Address
from tacit.settings import Settings
from tacit.transport.certificates import CLOCK_SKEW

CLOCK_NOTE_SECONDS = 2.0
"""Clocks that differ by more make logs hard to compare."""

_RUNNING = "tacit doctor has to run there at the same time, with the same cluster file."


def link(visit: Visit) -> Link:
    """The measurement as this end sees it."""
    if visit.result is None:
        raise ValueError("nothing was measured")
    latency, forth, back, clock = visit.result
    if not visit.calling:
        forth, back, clock = back, forth, -clock
    return Link(visit.peer, latency / 1e9, float(forth), float(back), clock / 1e9)


def on_visit(me: str, visit: Visit, mine: Report, settings: Settings, order: str) -> Iterator[Finding]:
    """What a visit showed, however far it came."""
    peer = visit.peer
    if visit.came and visit.result is None:
        advice = "Run it again; if it stays so, the link is too slow or something on the way cuts connections."
        yield mend("link", peer, f"the link could not be measured: {visit.lost or 'it was not done in time'}", advice)
    if visit.result is not None:
        yield from _measured(visit, settings)
    if not visit.same_session:
        advice = "Write the same session = ... into the cluster file at every host."
        yield mend("cluster file", peer, f"it has another session than '{me}'", advice)
    if visit.order and visit.order != order:
        advice = "All hosts need the same cluster file: the same names in the same order."
        yield mend("cluster file", peer, f"it lists the nodes as {visit.order}; '{me}' as {order}", advice)
    if visit.report is not None:
        yield from _compared(me, peer, visit.report, mine)


def on_absence(me: str, peer: str, addresses: Mapping[str, Address | None], call: Call | None, wait: float) -> Finding:
    """A peer that this node never talked with."""
    address = addresses[peer]
    if call is None or address is None:
        mine = addresses[me]
        where = f"{_at(mine)} from there" if mine else "this host"
        text = f"it was not there: it did not connect within {wait:g} s"
        return mend("connection", peer, text, f"{_RUNNING} If it does, find out whether it can reach {where}.")
    text, advice = _EXPLAINED[call.stage]
    seen = f" ({call.detail.rstrip('.')})" if call.detail else ""
    return mend("connection", peer, f"{text.format(at=_at(address))}{seen}", advice.format(me=me, peer=peer))


def on_name(peer: str, address: Address | None, lookup: Lookup | None) -> Iterator[Finding]:
    """What the name of a peer's host stands for; a number needs no word, and a name without address has its finding."""
    found = lookup.found() if lookup is not None else []
    numbers = dict.fromkeys(str(target[0]) for _, target in found)
    if address is not None and numbers and list(numbers) != [address[0]]:
        yield ok("name", peer, f"{address[0]} is {', '.join(numbers)}")


def on_strangers(me: str, strangers: Sequence[str]) -> Iterator[Finding]:
    """Those who were turned away at this node's port."""
    for stranger in strangers:
        job = "runs the job" in stranger
        advice = _RUNNING if job else "Nothing, unless it should be one of the nodes."
        if "certificate" in stranger:
            advice = "If it is a node with a new certificate, put its fingerprint under [certificates], at every host."
        yield note("visitors", me, f"a connection was turned away, {stranger}", advice)


def on_port(name: str, host: str, port: int, error: OSError) -> Finding:
    """Why this host cannot listen."""
    match error.errno:
        case errno.EADDRINUSE:
            advice = f"Another program uses it, perhaps a session of Tacit: `ss -tlnp 'sport = :{port}'` says which."
        case errno.EADDRNOTAVAIL:
            advice = f"{host} is no address of this host: say with --listen 0.0.0.0:{port} where to listen."
        case errno.EACCES:
            advice = "Ports below 1024 need the right to it (CAP_NET_BIND_SERVICE); or take a higher one."
        case _:
            advice = "Check the address in the cluster file, or say with --listen where to listen."
    text = f"cannot listen at {host or '*'}:{port}: {error.strerror or error}"
    return mend("port", name, text, advice)


def _measured(visit: Visit, settings: Settings) -> Iterator[Finding]:
    seen, peer = link(visit), visit.peer
    text = f"{seen.latency * 1e3:.2f} ms there and back, sends {rate(seen.sending)}, receives {rate(seen.receiving)}"
    yield ok("link", peer, text)
    clock, side = abs(seen.clock), "ahead of" if seen.clock > 0 else "behind"
    told = f"its clock is {clock:.1f} s {side} this one"
    if clock > CLOCK_SKEW.total_seconds():
        yield mend("clock", peer, told, "Set both clocks (NTP): certificates are refused beyond five minutes.")
    elif clock > CLOCK_NOTE_SECONDS:
        yield note("clock", peer, told, "Set both clocks (NTP): certificates and logs depend on them.")
    else:
        yield ok(
            "clock", peer, f"differs from this one by {clock * 1e3:.1f} ms, give or take {seen.latency * 500:.1f} ms"
        )
    limit = settings.heartbeat_timeout
    if visit.lost:
        advice = "If nobody ended tacit doctor there, something on the way cuts connections."
        yield note("heartbeats", peer, f"after that, {visit.lost}", advice)
    elif visit.gap > limit / 2:
        advice = f"Set heartbeat_timeout well above it (now {limit:g}), or find out what is so busy."
        told = f"they stayed away for up to {visit.gap:.1f} s"
        yield mend("heartbeats", peer, told, advice) if visit.gap > limit else note("heartbeats", peer, told, advice)
    else:
        yield ok("heartbeats", peer, f"never more than {visit.gap:.1f} s apart")


def _compared(me: str, peer: str, theirs: Report, mine: Report) -> Iterator[Finding]:
    advice = "Install the same version at every host."
    if not theirs.torch:
        yield mend("versions", peer, "it has no PyTorch", "Install the same version of it at every host.")
    pairs = {"tacit": (theirs.tacit, mine.tacit), "protocol": (str(theirs.protocol), str(mine.protocol))}
    if theirs.torch and mine.torch:
        pairs["torch"] = theirs.torch, mine.torch
    differ = [f"{name} {its} there, {own} here" for name, (its, own) in pairs.items() if its != own]
    if differ:
        yield mend("versions", peer, "; ".join(differ), advice)
    elif theirs.torch:
        yield ok("versions", peer, f"the same as '{me}'")
    keys = dict.fromkeys([*mine.settings, *theirs.settings])
    other = [key for key in keys if theirs.settings.get(key) != mine.settings.get(key)]
    if other:
        told = "; ".join(
            f"{key} is {theirs.settings.get(key, 'missing')} there, {mine.settings.get(key, 'missing')} here"
            for key in other[:8]
        )
        yield mend("cluster file", peer, told, "Write the same [settings] into the cluster file at every host.")
    if theirs.certificate_days is not None:
        yield from validity(peer, theirs.certificate_days, f"At its host: tacit certs renew {peer}")


def rate(bytes_a_second: float) -> str:
    """``12.3 MB/s``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if bytes_a_second >= size:
            return f"{bytes_a_second / size:.1f} {unit}/s"
    return f"{bytes_a_second:.0f} B/s"


def _at(address: Address | None) -> str:
    if address is None:
        return ""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


_EXPLAINED = {
    Stage.NO_NAME: (
        "the name in {at} cannot be found",
        "Correct it in the cluster file, or give it an address (DNS, /etc/hosts).",
    ),
    Stage.UNREACHABLE: (
        "there is no way from here to {at}",
        "Check the address, and this host's network, routes and firewall.",
    ),
    Stage.NO_ANSWER: (
        "nothing answers at {at}",
        "The host is down, the address is wrong, or a firewall swallows what comes: let the port through.",
    ),
    Stage.REFUSED: (
        "{at} refuses connections: the host is there, and nobody listens",
        "It was not there: " + _RUNNING + " If it does, the port is another one, or a firewall rejects.",
    ),
    Stage.NO_TLS: (
        "TLS does not come about with what is at {at}",
        "Another program may have the port, or a proxy stands between; the node's log says what it saw.",
    ),
    Stage.WRONG_CERTIFICATE: (
        "what answers at {at} shows another certificate than it should",
        "Ask {peer} for `tacit certs show {peer}` by a way that you trust. If it has a new one, put it under "
        "[certificates], at every host; if not, somebody else answers there.",
    ),
    Stage.CLOSED: (
        "{at} took the connection and closed it",
        "A session of Tacit may wait there instead of tacit doctor, or a forwarded port leads nowhere; or it does not "
        "list the certificate of {me}.",
    ),
    Stage.SILENT: (
        "{at} took the connection and said nothing",
        "Another program may have the port, or the host hangs.",
    ),
    Stage.TURNED_AWAY: (
        "{at} turned this node away",
        "Do what it says, at {peer} or here.",
    ),
    Stage.WELCOME: ("{at} let this node in and then went away", _RUNNING),
}
