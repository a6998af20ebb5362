import socket
import threading
import time

import pytest

from tacit.errors import HandshakeError, LinkError, MisuseError, TacitError
from tacit.runtime.rendezvous import listen, meet
from tacit.settings import Settings
from tacit.testing.transports import close_all, take, together
from tacit.transport.framing import Kind, pack_header

NAMES = ("lab", "clinic", "bank")


class Place:
    """Listeners of all nodes; ``join`` runs some of them in threads, each as it is told."""

    def __init__(self, names=NAMES, timeout=1.0):
        self.settings = Settings(connect_timeout=timeout)
        self.listeners = {name: listen(("127.0.0.1", 0)) for name in names}
        self.addresses = {name: listener.getsockname() for name, listener in self.listeners.items()}
        self.nodes, self.errors = {}, {}

    def join(self, *names, **changes):
        def job(name):
            arguments = {"addresses": self.addresses, "session": "s", "settings": self.settings}
            arguments |= changes.get(name, {})
            try:
                self.nodes[name] = meet(name, listener=self.listeners[name], **arguments)
            except TacitError as error:
                self.errors[name] = error

        together([lambda name=name: job(name) for name in names])

    def close(self):
        close_all(self.nodes)
        for listener in self.listeners.values():
            listener.close()


@pytest.fixture
def place():
    made = Place()
    yield made
    made.close()


def test_all_meet(place):
    place.join(*NAMES)
    assert not place.errors
    for name in NAMES:
        for peer in place.nodes[name].peers:
            place.nodes[name].send(peer, name.encode(), [memoryview(peer.encode())])
    for name in NAMES:
        for peer in place.nodes[name].peers:
            assert take(place.nodes[name], peer) == (peer.encode(), name.encode())


@pytest.mark.parametrize("missing", NAMES)
def test_a_missing_party_is_named_at_every_other_party(place, missing):
    place.listeners[missing].close()
    start = time.monotonic()
    place.join(*[name for name in NAMES if name != missing])
    assert time.monotonic() - start < 1 + 1
    assert len(place.errors) == 2
    for error in place.errors.values():
        assert isinstance(error, LinkError)
        assert error.party == missing
        assert f"'{missing}' did not join the session" in str(error)


def test_a_party_that_comes_late_is_waited_for(place):
    late = threading.Timer(0.5, place.join, ("bank",))
    late.start()
    place.join("lab", "clinic")
    late.join()
    assert not place.errors
    assert len(place.nodes) == 3


STRANGERS = {
    "a browser": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "garbage": bytes(range(256)) * 40,
    "a huge greeting": pack_header(Kind.HELLO, 0, 1 << 60, 0),
    "a greeting that is not JSON": pack_header(Kind.HELLO, 0, 4, 0) + b"\xff\xff\xff\xff",
    "a greeting without a name": pack_header(Kind.HELLO, 0, 2, 0) + b"{}",
    "silence": b"",
    "half a header": b"TACT\x01",
}


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_are_turned_away_and_hold_up_nobody(place, name):
    strangers = [socket.create_connection(place.addresses["lab"]) for _ in range(3)]
    for stranger in strangers:
        stranger.sendall(STRANGERS[name])
    start = time.monotonic()
    place.join(*NAMES)
    assert time.monotonic() - start < 0.8
    assert not place.errors
    for stranger in strangers:
        stranger.close()


def test_strangers_are_mentioned_when_somebody_is_missing(place):
    with socket.create_connection(place.addresses["lab"]) as stranger:
        stranger.sendall(STRANGERS["garbage"])
        place.join("lab", "clinic", clinic={"settings": Settings(connect_timeout=3)})
    assert "1 connections from strangers" in str(place.errors["lab"])
    assert place.errors["lab"].party == "bank"


def test_different_sessions_do_not_meet_and_say_so():
    place = Place(("lab", "clinic"))
    place.join("lab", "clinic", clinic={"session": "yesterday's"})
    for error in place.errors.values():
        assert isinstance(error, HandshakeError)
        assert "'clinic' and 'lab' were started for different sessions" in str(error)
    assert len(place.errors) == 2
    place.close()


def test_different_orders_of_parties_say_so():
    place = Place(("lab", "clinic", "bank"))
    swapped = {name: place.addresses[name] for name in ("lab", "bank", "clinic")}
    place.join("lab", "clinic", "bank", bank={"addresses": swapped}, clinic={"settings": Settings(connect_timeout=3)})
    assert len(place.errors) == 3
    assert "'bank' lists the nodes as lab, bank, clinic, 'lab' as lab, clinic, bank" in str(place.errors["lab"])
    assert all(isinstance(error, HandshakeError) for error in place.errors.values())
    place.close()


def test_who_gives_up_tells_those_it_has_met(place):
    place.listeners["bank"].close()
    place.join("lab", "clinic", clinic={"settings": Settings(connect_timeout=30)})
    assert place.errors["clinic"].party == "bank"
    assert "noticed by 'lab'" in str(place.errors["clinic"])


def test_only_loopback_without_tls():
    with pytest.raises(MisuseError, match="not a loopback address"):
        listen(("192.0.2.7", 4711))


def test_addresses_of_others_are_checked_too():
    place = Place(("lab", "clinic"))
    place.join("clinic", clinic={"addresses": {**place.addresses, "lab": ("192.0.2.7", 1)}})
    assert isinstance(place.errors["clinic"], MisuseError)
    assert "192.0.2.7" in str(place.errors["clinic"])
    place.close()
