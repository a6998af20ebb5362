import threading

import pytest

from tacit.errors import DivergenceError, FrameError, LinkError, MisuseError
from tacit.runtime.rendezvous import listen, meet
from tacit.settings import Settings
from tacit.testing.transports import Story, TransportSuite, close_all, take, together
from tacit.transport import faults
from tacit.transport.security import PlainLoopback

NAMES = ("lab", "clinic", "bank")


def connect(names, heartbeat_timeout=1.0, reconnect_timeout=0.0):
    settings = Settings(connect_timeout=5, heartbeat_timeout=heartbeat_timeout, reconnect_timeout=reconnect_timeout)
    listeners = {name: listen(("127.0.0.1", 0)) for name in names}
    addresses = {name: listeners[name].getsockname() for name in names}
    nodes = {}

    def join(name):
        nodes[name] = meet(name, addresses, listeners[name], "a test", settings)

    together([lambda name=name: join(name) for name in names])
    return {name: nodes[name] for name in names}


class TestTcpTransport(TransportSuite):
    def connect(self, names):
        return connect(names)


class TestTcpTransportWithLinksThatAreMended(TransportSuite):
    def connect(self, names):
        return connect(names, reconnect_timeout=5.0)


def broken(nodes, fault, frame=0):
    nodes["clinic"] = faults.FaultyTransport(nodes["clinic"], {("lab", frame): fault})
    return nodes


def everybody_blames_clinic(nodes, kind, match):
    def witness(name):
        with pytest.raises(kind, match=match) as caught:
            take(nodes[name], "clinic" if name == "lab" else "lab")
        assert caught.value.party == "clinic"

    together([lambda: witness("lab"), lambda: witness("bank")], seconds=5)


def test_where_programs_part_is_told_although_others_say_sooner_that_they_do(monkeypatch):
    nodes = connect(NAMES, heartbeat_timeout=4.0)
    nodes["lab"].witness = Story("lab", NAMES, b"matmul")
    nodes["clinic"].witness = Story("clinic", NAMES, b"relu")
    monitor = nodes["clinic"]._monitor
    answer = monitor.ask_history
    monkeypatch.setattr(monitor, "ask_history", lambda peer: threading.Timer(0.3, answer, [peer]).start())
    with pytest.raises(DivergenceError, match="matmul at lab, relu at clinic"):
        nodes["lab"].report_divergence("clinic")
    close_all(nodes)


def test_garbage_names_the_sender_everywhere():
    nodes = broken(connect(NAMES), faults.garbage)
    nodes["clinic"].send("lab", b"tag", [])
    everybody_blames_clinic(nodes, FrameError, "clinic.*not a (valid )?frame")
    with pytest.raises(FrameError, match="this party"):
        take(nodes["clinic"], "bank")
    close_all(nodes)


def test_a_frame_that_claims_2_to_the_60_bytes_takes_no_memory():
    nodes = broken(connect(NAMES), faults.huge_frame)
    nodes["clinic"].send("lab", b"tag", [])
    with pytest.raises(FrameError, match="claims 1152921504606846976 bytes") as caught:
        take(nodes["lab"], "clinic")
    assert caught.value.party == "clinic"
    everybody_blames_clinic(nodes, FrameError, "clinic")
    close_all(nodes)


def test_a_replayed_frame_is_refused():
    nodes = broken(connect(("lab", "clinic")), faults.replay, frame=1)
    nodes["clinic"].send("lab", b"one", [])
    nodes["clinic"].send("lab", b"two", [])
    take(nodes["lab"], "clinic")
    with pytest.raises(FrameError, match="number 0 where DATA frame 1 was due"):
        take(nodes["lab"], "clinic")
    close_all(nodes)


def test_a_lost_link_names_the_lost_peer_everywhere():
    nodes = connect(NAMES)
    for peer in ("lab", "bank"):
        faults.sever(nodes["clinic"], peer)
    everybody_blames_clinic(nodes, LinkError, "link to 'clinic' was lost")
    close_all(nodes)


def test_one_broken_link_of_three_ends_the_session_for_all():
    nodes = connect(NAMES)
    faults.sever(nodes["clinic"], "lab")
    for name, peer in (("lab", "bank"), ("bank", "lab"), ("clinic", "bank")):
        with pytest.raises(LinkError, match="lost"):
            take(nodes[name], peer)
    close_all(nodes)


def test_a_frozen_peer_is_named_everywhere():
    nodes = broken(connect(NAMES, heartbeat_timeout=0.8), faults.freeze)
    nodes["clinic"].send("lab", b"tag", [])
    take(nodes["lab"], "clinic")
    everybody_blames_clinic(nodes, LinkError, "'clinic' is frozen")
    close_all(nodes)


def test_a_slow_peer_is_not_a_frozen_one():
    nodes = broken(connect(("lab", "clinic"), heartbeat_timeout=0.4), faults.delay(1.2))
    together([lambda: nodes["clinic"].send("lab", b"late", []), lambda: take(nodes["lab"], "clinic")])
    close_all(nodes)


def test_plain_tcp_is_for_loopback_only():
    with pytest.raises(MisuseError, match="not a loopback address"):
        listen(("192.0.2.1", 0))
    PlainLoopback().check_address("::1")
