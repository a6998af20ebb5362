"""Nodes of one machine that examine each other over TLS: all well, and everything that can be wrong between them."""

import os
import random
import re
import socket
import threading
import time
from dataclasses import replace

import pytest

from tacit.doctor import examination, local, visit
from tacit.doctor.examination import examine
from tacit.doctor.findings import Level
from tacit.doctor.line import Line
from tacit.doctor.messages import FILL_BYTES, HEADER, Kind, Report, Result, pack, pack_ask, pack_report, pack_result
from tacit.doctor.visit import Talk, Visit
from tacit.errors import HandshakeError, MisuseError
from tacit.runtime.cluster import Cluster
from tacit.runtime.rendezvous import listen, meet
from tacit.settings import Settings
from tacit.testing.transports import together
from tacit.transport.certificates import make, renew
from tacit.transport.security import PlainLoopback
from tacit.transport.tls import Tls
from tacit.transport.wire import PlainWire

NODES = ("lab", "clinic", "dealer")
MINE = Report(tacit="0.1.0", protocol=1, torch="2.13.0", certificate_days=300, settings={"frac_bits": "16"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("certificates")
    for name in (*NODES, "stranger"):
        make(name, made)
    return made


@pytest.fixture
def cluster(folder):
    """Of lab, clinic (which cannot be reached) and dealer, on ports that are free."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    lab, dealer = (one.getsockname() for one in held)
    for one in held:
        one.close()
    pins = {name: (local.read(name, folder).fingerprint,) for name in NODES}
    lab = ("localhost", lab[1])
    return Cluster("s", {"lab": lab, "clinic": None}, dealer, Settings(), pins)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(visit, "HOLD_SECONDS", 0.3)
    monkeypatch.setattr(examination, "_RETRY_SECONDS", 0.1)
    monkeypatch.setattr("tacit.doctor.measuring._ENOUGH", 5_000_000)


def examined(clusters, folder, wait=20.0, certs=None):
    """What the nodes of ``clusters`` find, each with a cluster of its own."""
    found = {}

    def run(name):
        found[name] = examine(clusters[name], name, (certs or {}).get(name, folder), None, wait)

    together([lambda name=name: run(name) for name in clusters], seconds=60)
    return found


def wrong(diagnosis):
    return {(one.check, one.node): one for one in diagnosis.findings if one.level is not Level.OK}


def test_all_is_well(cluster, folder):
    start = time.monotonic()
    found = examined(dict.fromkeys(NODES, cluster), folder)
    assert time.monotonic() - start < 15
    for name, diagnosis in found.items():
        assert diagnosis.ok, wrong(diagnosis)
        assert not wrong(diagnosis)
        assert not diagnosis.missing
        names = [one.text for one in diagnosis.findings if one.check == "name"]
        assert ["localhost is" in text for text in names] == ([] if name == "lab" else [True])
        links = {link.peer: link for link in diagnosis.links}
        assert set(links) == set(NODES) - {name}
        for peer, link in links.items():
            back = next(one for one in found[peer].links if one.peer == name)
            assert (link.sending, link.receiving, link.clock) == (back.receiving, back.sending, -back.clock)
            assert 0 < link.latency < 1
            assert link.sending > 1e6
            assert link.receiving > 1e6
            assert abs(link.clock) < 0.5


@pytest.mark.slow  # waits for nodes that do not come
def test_peers_that_do_not_come_are_named_in_time(cluster, folder):
    start = time.monotonic()
    found = examined({"lab": cluster, "dealer": cluster}, folder, wait=2.0)
    assert time.monotonic() - start < 2 + 3
    for diagnosis in found.values():
        assert diagnosis.missing == ("clinic",)
        assert not diagnosis.ok
        (told,) = wrong(diagnosis).values()
        assert "it was not there: it did not connect within 2 s" in told.text
        assert [link.peer for link in diagnosis.links] in (["lab"], ["dealer"])
    alone = examined({"clinic": cluster}, folder, wait=0.5)["clinic"]
    assert alone.missing == ("lab", "dealer")
    assert all("refuses connections" in one.text for one in wrong(alone).values())


def test_what_differs_between_cluster_files(cluster, folder):
    other = replace(cluster, session="another one", settings=Settings(frac_bits=20, connect_timeout=7))
    found = examined({"lab": cluster, "clinic": cluster, "dealer": other}, folder)
    for name, peer in (("lab", "dealer"), ("clinic", "dealer"), ("dealer", "lab"), ("dealer", "clinic")):
        texts = [one.text for one in found[name].findings if one.node == peer and one.level is Level.MEND]
        assert texts[0] == f"it has another session than '{name}'"
        here, there = (20, 16) if name == "dealer" else (16, 20)
        assert texts[1:] == [f"frac_bits is {there} there, {here} here"]
        assert not any("another one" in one.text for one in found[name].findings)
    assert not any(one.node == "clinic" and one.level is Level.MEND for one in found["lab"].findings)


@pytest.mark.slow  # waits for nodes that do not come
def test_an_order_that_differs(cluster, folder):
    swapped = replace(cluster, parties=dict(reversed(cluster.parties.items())))
    found = examined({"lab": cluster, "dealer": swapped}, folder, wait=3.0)
    assert "it lists the nodes as clinic, lab, dealer; 'lab' as lab, clinic, dealer" in str(found["lab"].findings)
    assert "it lists the nodes as lab, clinic, dealer; 'dealer' as clinic, lab" in str(found["dealer"].findings)


@pytest.mark.slow  # waits for nodes that do not come
def test_a_certificate_that_the_others_do_not_list_is_told_at_both_ends(cluster, folder, tmp_path):
    for end in (".key", ".crt"):
        (tmp_path / f"clinic{end}").write_bytes((folder / f"clinic{end}").read_bytes())
        os.chmod(tmp_path / f"clinic{end}", 0o600)
    new = renew("clinic", tmp_path, new_key=True)
    at_clinic = replace(cluster, certificates=cluster.certificates | {"clinic": (new.fingerprint,)})
    found = examined({"lab": cluster, "clinic": at_clinic}, folder, 2.0, {"clinic": tmp_path})
    told = wrong(found["clinic"])["connection", "lab"]
    assert "turned this node away" in told.text
    assert "is that of no node here" in told.text
    visitors = wrong(found["lab"])["visitors", "lab"]
    assert new.fingerprint in visitors.text
    assert "[certificates]" in visitors.advice
    mine = wrong(examined({"clinic": cluster}, folder, 0.2, {"clinic": tmp_path})["clinic"])
    assert f'clinic = "{new.fingerprint}"' in mine["certificate", "clinic"].advice


@pytest.mark.slow  # waits for nodes that do not come
def test_a_peer_with_another_certificate_than_listed(cluster, folder):
    pins = cluster.certificates | {"lab": (local.read("stranger", folder).fingerprint,)}
    told = wrong(examined({"lab": cluster, "clinic": replace(cluster, certificates=pins)}, folder, 1.5)["clinic"])
    assert "shows another certificate than it should" in told["connection", "lab"].text
    assert "tacit certs show lab" in told["connection", "lab"].advice


def test_without_a_certificate_nobody_is_called_and_the_port_is_looked_at_all_the_same(cluster, tmp_path):
    with socket.create_server(cluster.parties["lab"]):
        found = examine(cluster, "lab", tmp_path, None, 20.0)
    assert {one.check for one in found.findings if one.level is Level.MEND} == {"certificate", "port"}
    assert found.missing == ("clinic", "dealer")
    with pytest.raises(MisuseError, match="its nodes are lab, clinic, dealer"):
        examine(cluster, "bank", tmp_path, None, 20.0)


@pytest.mark.slow  # waits for nodes that do not come
def test_versions_that_differ(cluster, folder, monkeypatch):
    versions, mine = iter(["2.13.0", "2.14.0"]), threading.local()

    def version():
        mine.version = getattr(mine, "version", None) or next(versions)
        return mine.version

    monkeypatch.setattr(local, "torch_version", version)
    found = examined({"lab": cluster, "dealer": cluster}, folder, 2.0)
    here, there = ("2.13.0", "2.14.0") if "2.13.0" in found["lab"].findings[0].text else ("2.14.0", "2.13.0")
    assert wrong(found["lab"])["versions", "dealer"].text == f"torch {there} there, {here} here"


@pytest.mark.slow  # waits for nodes that do not come
def test_on_one_machine_without_certificates(cluster, folder):
    bare = Cluster("s", {"lab": cluster.parties["lab"], "clinic": None}, cluster.dealer, Settings(), {})
    other = replace(bare, session="t")
    found = examined({"lab": bare, "clinic": other, "dealer": bare}, folder, 2.0)
    assert "plain" in wrong(found["lab"])["certificate", "lab"].text
    assert found["lab"].missing == ("clinic",)
    assert "another session" in wrong(found["clinic"])["connection", "lab"].text
    assert [link.peer for link in found["lab"].links] == ["dealer"]


@pytest.mark.slow  # waits for nodes that do not come
def test_a_job_that_calls_is_told_who_is_there(cluster, folder):
    """tacit run at the clinic, tacit doctor at the lab."""
    security = Tls(local.read("clinic", folder), cluster.certificates)

    def job():
        with pytest.raises(HandshakeError, match="'lab' runs `tacit doctor` now, not the job"):
            meet("clinic", cluster.addresses(), None, "s", Settings(connect_timeout=1.5), security)

    found = {}
    together([job, lambda: found.update(lab=examine(cluster, "lab", folder, None, 2.5))], seconds=30)
    told = [one for one in found["lab"].findings if one.check == "visitors"]
    assert "'clinic' runs the job, not `tacit doctor`" in told[0].text


def test_strangers_change_nothing(cluster, folder):
    """Connections that say nothing, or anything, while the nodes examine each other."""
    stop = threading.Event()

    def disturb():
        seed = random.Random(5)
        while not stop.wait(0.02):
            try:
                with socket.create_connection(cluster.parties["lab"], 0.2) as sock:
                    sock.sendall(seed.randbytes(seed.choice([1, 100, 5000])))
            except OSError:
                continue

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        found = examined(dict.fromkeys(NODES, cluster), folder)
    finally:
        stop.set()
        thread.join()
    assert found["lab"].ok
    assert len(found["lab"].links) == 2
    assert len([one for one in found["lab"].findings if one.check == "visitors"]) <= 8


@pytest.fixture
def pair():
    """The clinic's end of a talk at the lab, as a bare socket; what became of the visit."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    seen = Visit("clinic", calling=False)
    floor = threading.Lock()
    talk = Talk(seen, Line(PlainWire(ours), "clinic"), MINE, floor, lambda: True, time.monotonic() + 0.8)
    thread = threading.Thread(target=talk.hold)
    thread.start()
    yield theirs, seen, thread, floor
    theirs.close()
    thread.join(10)
    assert not thread.is_alive()


REPORT = pack_report(MINE)


WRONG = {
    "nothing": (b"", "did not answer in time"),
    "anything": (os.urandom(64), "sent"),
    "no report": (pack(Kind.PING), "sent PING where REPORT was due"),
    "an empty report": (pack(Kind.REPORT, b"{}"), "unreadable report"),
    "a long report": (HEADER.pack(Kind.REPORT, 1 << 31), "2147483648 bytes where 2 to 8192 are right"),
    "two reports": (REPORT + REPORT, "sent REPORT out of turn"),
    "an answer without a question": (REPORT + pack(Kind.YES), "sent YES out of turn"),
    "too much asked for": (REPORT + pack(Kind.ASK, b"\xff\xff"), "512 is the limit"),
    "questions without end": (REPORT + pack(Kind.TURN) * 5000, "asks for more and more|takes no more bytes"),
    "goodbye at once": (REPORT + pack(Kind.BYE), "left before that"),
    "beats only": (REPORT + pack(Kind.BEAT) * 1000, "was not done in time"),
    "half a message": (REPORT + HEADER.pack(Kind.FILL, FILL_BYTES) + b"x", "was not done in time"),
    "questions whose answers it does not read": (REPORT + pack_ask(512) * 8, "takes no more bytes"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_peer_that_says_something_else_is_let_go_in_time(pair, what):
    theirs, seen, thread, floor = pair
    sent, lost = WRONG[what]
    theirs.sendall(sent)
    thread.join(8)
    assert not thread.is_alive()
    assert re.search(lost, seen.lost), seen.lost
    assert not seen.done
    assert not floor.locked()


def test_a_host_measures_one_link_at_a_time(pair):
    theirs, seen, thread, floor = pair
    theirs.setblocking(False)
    line = Line(PlainWire(theirs), "lab")
    deadline = time.monotonic() + 5
    line.expect((Kind.REPORT,), deadline)
    line.send(REPORT, deadline)
    with floor:
        line.send(pack(Kind.TURN), deadline)
        assert line.expect((Kind.YES, Kind.BUSY), deadline)[0] is Kind.BUSY
    line.send(pack(Kind.TURN), deadline)
    assert line.expect((Kind.YES, Kind.BUSY), deadline)[0] is Kind.YES
    assert floor.locked()
    line.send(pack_result(Result(-(1 << 63) + 1, 2, 3, 1 << 62)), deadline)
    line.expect((Kind.BYE,), deadline)
    line.send(pack(Kind.BYE), deadline)
    thread.join(5)
    assert seen.done
    assert seen.result == Result(0, 2, 3, 1 << 62)
    assert not floor.locked()


def test_a_doctor_and_a_session_do_not_share_a_port(cluster, folder):
    listener = listen(cluster.parties["lab"], PlainLoopback())
    start = time.monotonic()
    try:
        told = wrong(examine(cluster, "lab", folder, None, 60.0))
    finally:
        listener.close()
    assert time.monotonic() - start < 30  # nobody is waited for who cannot come
    assert "Another program uses it" in told["port", "lab"].advice
    assert "for want of a port" in told["connection", "clinic"].text
