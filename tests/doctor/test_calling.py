"""How far a call came, for everything that can stand in its way."""

import os
import socket
import threading
import time

import pytest

from tacit.doctor import calling
from tacit.doctor.calling import Hello, Stage, call
from tacit.errors import TacitError
from tacit.runtime.lookup import Lookup
from tacit.runtime.rendezvous import listen, meet
from tacit.settings import Settings
from tacit.transport.certificates import make
from tacit.transport.tls import Tls

HELLO = Hello("s", "lab, clinic", "clinic", "lab")


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {name: make(name, folder) for name in ("lab", "clinic", "stranger")}


@pytest.fixture
def security(identities):
    return Tls(identities["clinic"], {name: [identities[name].fingerprint] for name in ("lab", "clinic")})


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def called(security, address, seconds=2.0):
    return call(Lookup(address), address, HELLO, security, time.monotonic() + seconds)


def serve(server, job):
    """Do ``job`` with the first connection to ``server``."""

    def accept():
        sock, _ = server.accept()
        with sock:
            job(sock)

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()


def test_nobody_listens(security, server):
    address = server.getsockname()
    server.close()
    assert called(security, address).stage is Stage.REFUSED


def test_the_call_that_came_furthest_is_told_of_all_addresses_of_a_name(security, server, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as shut:
        closed = shut.getsockname()
    closes = serve(server, lambda sock: None)
    lookup = Lookup(closed)
    monkeypatch.setattr(lookup, "_found", [(socket.AF_INET, at) for at in (closed, closes, closed)])
    assert call(lookup, closed, HELLO, security, time.monotonic() + 2).stage is Stage.CLOSED


def test_nothing_answers(security):
    """The queue of a listener that accepts nobody is full: what comes more is dropped, as by a firewall."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        assert called(security, server.getsockname(), 0.3).stage is Stage.NO_ANSWER
        for filler in fillers:
            filler.close()


def test_a_name_that_has_no_address(security, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = called(security, ("lab.example", 443))
    assert found.stage is Stage.NO_NAME
    assert "lab.example" in found.detail


def test_no_route(security, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: 113)
    found = called(security, ("127.0.0.1", 9))
    assert (found.stage, found.detail) == (Stage.UNREACHABLE, "EHOSTUNREACH")


def test_another_program(security, server):
    address = serve(
        server, lambda sock: (sock.recv(10), sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), sock.recv(1000))
    )
    assert called(security, address).stage is Stage.NO_TLS


def test_one_that_closes(security, server):
    assert called(security, serve(server, lambda sock: None)).stage is Stage.CLOSED


def test_one_that_says_nothing(security, server, monkeypatch):
    monkeypatch.setattr(calling, "STEP_SECONDS", 0.2)
    found = called(security, serve(server, lambda sock: time.sleep(2)))
    assert found.stage is Stage.SILENT
    assert "never began" in found.detail


def test_another_certificate(security, server, identities):
    theirs = Tls(identities["stranger"], {"clinic": [identities["clinic"].fingerprint]})

    def shake(sock):
        sock.setblocking(False)
        entrance = theirs.of_stranger(sock)
        calling.until(sock, time.monotonic() + 2, entrance.ready)
        time.sleep(0.2)

    found = called(security, serve(server, shake))
    assert found.stage is Stage.WRONG_CERTIFICATE
    assert identities["stranger"].fingerprint in found.detail


def test_a_session_that_waits_there(security, identities):
    theirs = Tls(identities["lab"], {name: [identities[name].fingerprint] for name in ("lab", "clinic")})
    listener = listen(("127.0.0.1", 0), theirs)
    addresses = {"lab": listener.getsockname()[:2], "clinic": ("127.0.0.1", 1)}

    def wait():
        with pytest.raises(TacitError):
            meet("lab", addresses, listener, "s", Settings(connect_timeout=1), theirs)

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        assert called(security, addresses["lab"]).stage is Stage.CLOSED
    finally:
        thread.join()


def test_what_a_peer_says_is_fit_for_a_terminal():
    assert calling.plain("a\x1b[2Jb\n" + "c" * 1000).startswith("a\\x1b[2Jb\\nccc")
    assert len(calling.plain(os.urandom(1000))) < 1300
