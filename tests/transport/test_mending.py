"""Links that break while a session runs: they are mended, and what crosses them then is what was to cross before."""

import random
import socket
import threading
import time
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacit.errors import FrameError, LinkError, MisuseError
from tacit.runtime import bond, mending
from tacit.runtime.rendezvous import listen, meet
from tacit.settings import Settings
from tacit.testing.transports import close_all, take, together
from tacit.transport import faults, outbox, tcp
from tacit.transport.certificates import make
from tacit.transport.framing import Kind, pack_header
from tacit.transport.security import PlainLoopback
from tacit.transport.tls import Tls

from .cutting import Road

SETTINGS = Settings(connect_timeout=5, heartbeat_timeout=1, reconnect_timeout=8)
PAIR = ("lab", "clinic")


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {name: make(name, folder) for name in ("lab", "clinic", "bank")}


@pytest.fixture(params=["plain", "tls"])
def securities(request, identities):
    if request.param == "plain":
        return dict.fromkeys(identities, PlainLoopback())
    pins = {name: [identity.fingerprint] for name, identity in identities.items()}
    return {name: Tls(identity, pins) for name, identity in identities.items()}


class Sent:
    """What each outbox was given to send, and what was written of it to which position."""

    def __init__(self, monkeypatch):
        self.streams, self.crossings = defaultdict(bytearray), defaultdict(list)
        sent, send, attach = self, outbox.Outbox.send, outbox.Outbox.attach

        def noted_send(box, parts):
            sent.streams[box] += b"".join(parts)
            send(box, parts)

        def noted_attach(box, wire, delivered):
            sent.begin(box, wire, delivered)
            attach(box, wire, delivered)

        monkeypatch.setattr(outbox.Outbox, "send", noted_send)
        monkeypatch.setattr(outbox.Outbox, "attach", noted_attach)

    def begin(self, box, wire, position):
        crossing = [position, bytearray()]
        self.crossings[box].append(crossing)
        write = wire.write_some

        def noted_write(parts):
            count = write(parts)
            crossing[1] += b"".join(parts)[:count]
            return count

        wire.write_some = noted_write

    def nothing_else_crossed(self):
        for box, crossings in self.crossings.items():
            for position, data in crossings:
                assert self.streams[box][position : position + len(data)] == data


class Place:
    """Nodes that met over roads, one in front of each that listens. deaf: those that can only dial out."""

    def __init__(self, securities, names=PAIR, wanted=SETTINGS, deaf=(), change=None):
        listeners = {name: listen(("127.0.0.1", 0)) for name in names if name not in deaf}
        self.roads = {name: Road(listener.getsockname(), change) for name, listener in listeners.items()}
        addresses = {name: self.roads[name].address if name in self.roads else None for name in names}
        self.nodes = {}

        def join(name):
            self.nodes[name] = meet(name, addresses, listeners.get(name), "a test", wanted, securities[name])

        together([lambda name=name: join(name) for name in names])
        self.road = next(iter(self.roads.values()))

    def close(self):
        close_all(self.nodes)
        for road in self.roads.values():
            road.end()


@pytest.fixture
def places():
    made = []

    def place(*args, **kwargs):
        made.append(Place(*args, **kwargs))
        return made[-1]

    yield place
    for each in made:
        each.close()


def traffic(node, peer, seed, frames=60, largest=300_000):
    """Send and check frames both ways; ``seed`` is the same at both ends."""
    mine, theirs = (random.Random(f"{seed} {name}") for name in (node.name, peer))

    def frame(source):
        return source.randbytes(source.choice((0, 8, 100, 5000, largest)))

    for number in range(frames):
        node.send(peer, b"%d" % number, [memoryview(frame(mine))])
        if number % 3 == 2:  # some frames are under way at the same time
            for late in range(number - 2, number + 1):
                assert take(node, peer) == (b"%d" % late, frame(theirs))


def exchange(nodes, seed=0, **kwargs):
    names = list(nodes)
    pairs = [(name, peer) for name in names for peer in names if peer != name]
    together([lambda p=pair: traffic(nodes[p[0]], p[1], seed, **kwargs) for pair in pairs], seconds=40)


def test_a_reset_under_load(places, securities, monkeypatch, caplog):
    sent = Sent(monkeypatch)
    place = places(securities)
    breaker = threading.Timer(0.1, place.road.reset)
    breaker.start()
    exchange(place.nodes, frames=300)
    breaker.join()
    exchange(place.nodes, seed=1)
    close_all(place.nodes)
    sent.nothing_else_crossed()
    assert "the link to 'lab' is gone; dialling again (up to 8 s)" in caplog.text
    assert "the link to 'clinic' is gone; waiting for it to dial again (up to 8 s)" in caplog.text
    assert "the link to 'lab' is back after" in caplog.text


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.slow  # forty and more connections, each cut at a byte of its own
def test_cut_at_any_byte_again_and_again(securities, data):
    """Each connection carries so many bytes and is reset: in a frame, a record, a greeting or a TLS handshake."""
    with pytest.MonkeyPatch.context() as patch:
        sent = Sent(patch)
        place = Place(securities)
        try:
            cuts = st.integers(0, 5000) | st.integers(0, 400_000)
            for connection in place.road.lasting():
                connection.limit = sum(connection.passed.values()) + data.draw(cuts)
            place.road.limits = data.draw(st.lists(cuts, max_size=12))
            exchange(place.nodes, seed=data.draw(st.integers(0, 99)))
            close_all(place.nodes)
            sent.nothing_else_crossed()
        finally:
            place.close()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moments=st.lists(st.floats(0.0, 0.3), min_size=1, max_size=5),
    how=st.sampled_from(["reset", "one", "near", "far"]),
    seed=st.integers(0, 99),
)
@pytest.mark.slow  # a second and more for each
def test_cut_at_any_moment_at_both_ends_or_one(securities, moments, how, seed):
    with pytest.MonkeyPatch.context() as patch:
        sent = Sent(patch)
        place = Place(securities)

        def cut():
            for moment in moments:
                time.sleep(moment)
                lasting = place.road.lasting()
                if how == "reset":
                    place.road.reset()
                for connection in lasting[:1] if how == "one" else lasting:
                    if how == "one":
                        connection.reset()
                    elif how in ("near", "far"):  # half open: the other end is told nothing
                        connection.deaf |= {connection.near, connection.far}
                        connection.reset([getattr(connection, how)])

        try:
            together([cut, lambda: exchange(place.nodes, seed=seed, frames=150)], seconds=50)
            exchange(place.nodes, seed=1)
            close_all(place.nodes)
            sent.nothing_else_crossed()
        finally:
            place.close()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("ends", [("near",), ("far",), ("near", "far")])
@pytest.mark.slow  # silence is noticed after the heartbeat time-out
def test_silence_on_one_connection_in_one_direction_or_both(places, securities, number, ends):
    """Data to the lab, data to the clinic, control: each is lost on its own, while the others go on."""
    place = places(securities)
    connection = place.road.lasting()[number]
    time.sleep(0.2)  # pulses are expected of whom they came from
    connection.deaf |= {getattr(connection, end) for end in ends}
    exchange(place.nodes)
    deadline = time.monotonic() + 4
    while len(place.road.connections) == 3:  # those on which little is lost are found too
        assert time.monotonic() < deadline
        time.sleep(0.05)
    exchange(place.nodes, seed=1)


@pytest.mark.slow  # silence is noticed after the heartbeat time-out
def test_a_silent_cut_of_everything(places, securities):
    place = places(securities)
    place.road.silence()
    exchange(place.nodes)


@pytest.mark.slow  # silence is noticed after the heartbeat time-out
def test_a_link_that_is_idle_while_it_is_cut(places, securities):
    place = places(securities)
    place.road.silence()
    time.sleep(3)
    start = time.monotonic()
    exchange(place.nodes)
    assert time.monotonic() - start < 1.5  # it was mended before anybody needed it


@pytest.mark.parametrize("deaf", ["clinic", "lab"])
def test_parties_that_can_only_dial_out(places, securities, deaf):
    place = places(securities, deaf=(deaf,))
    place.road.reset()
    exchange(place.nodes)
    assert len(place.road.connections) > 3


def test_three_nodes_of_which_one_link_breaks(places, securities):
    place = places(securities, names=("lab", "clinic", "bank"))
    breaker = threading.Timer(0.1, place.road.reset)
    breaker.start()
    exchange(place.nodes, frames=150)
    breaker.join()


@pytest.mark.slow  # waits as long as the link may be gone
@pytest.mark.parametrize("names", [PAIR, ("lab", "clinic", "bank")])
def test_cut_for_good_ends_the_session_for_all_and_names_the_peer(places, securities, names):
    place = places(securities, names=names, wanted=replace(SETTINGS, reconnect_timeout=2))
    for road in place.roads.values():
        road.close_for_good()
    start = time.monotonic()
    errors = {}

    def wait(name, peer):
        with pytest.raises(LinkError) as caught:
            take(place.nodes[name], peer)
        errors[name] = caught.value

    together([lambda n=name: wait(n, "clinic" if n == "lab" else "lab") for name in names])
    assert time.monotonic() - start < 1 + 2 + 3
    assert "was gone for 2 s" in str(errors["lab"])
    assert all(error.party in names for error in errors.values())
    if len(names) == 2:
        assert "the link to 'clinic' was gone for 2 s: it did not dial again" in str(errors["lab"])
        assert "the link to 'lab' was gone for 2 s: nobody answered at 127.0.0.1" in str(errors["clinic"])
        assert errors["clinic"].party == "lab"


def vanish(node):
    """What its host does when a process is killed: connections and listener are closed, and nothing is said."""
    node._mender._stopped = True
    node._mender._door.close()
    node._monitor._beat = lambda: None
    for pulse in node._pulses.values():
        pulse.stop()
    for peer in node.peers:
        faults.sever(node, peer)


@pytest.mark.parametrize("killed", ["lab", "clinic"])
@pytest.mark.slow  # a host has to refuse for two seconds
def test_who_ended_is_told_from_who_is_cut_off(places, securities, killed):
    """Who dials finds nobody there; who waits to be dialled goes and looks."""
    place = places(securities)
    other = "clinic" if killed == "lab" else "lab"
    exchange(place.nodes)
    vanish(place.nodes[killed])
    start = time.monotonic()
    with pytest.raises(LinkError, match=f"the link to '{killed}' was lost and its process has ended") as caught:
        take(place.nodes[other], killed)
    assert caught.value.party == killed
    assert time.monotonic() - start < 4
    place.nodes[killed].abort(killed, "failed")


@pytest.mark.parametrize("frozen", ["lab", "clinic"])
@pytest.mark.slow  # the heartbeat time-out
def test_who_is_frozen_is_told_from_who_is_cut_off(places, securities, frozen):
    """Its host takes connections, and nobody answers on them."""
    place = places(securities, wanted=replace(SETTINGS, heartbeat_timeout=1.5))
    other = "clinic" if frozen == "lab" else "lab"
    node = place.nodes[frozen]
    exchange(place.nodes)
    node._mender._turn = lambda *_: time.sleep(0.01)
    faults.freeze(node, other)
    start = time.monotonic()
    with pytest.raises(LinkError, match=f"'{frozen}' is frozen") as caught:
        take(place.nodes[other], frozen)
    assert caught.value.party == frozen
    assert time.monotonic() - start < 3
    node.abort(frozen, "failed")


@pytest.mark.slow  # longer than the heartbeat time-out
def test_who_does_not_answer_after_a_reset_is_waited_for(places, securities):
    """Its interpreter may be busy, and no pulse can say so."""
    place = places(securities, wanted=replace(SETTINGS, heartbeat_timeout=0.6))
    mender = place.nodes["lab"]._mender
    turn = mender._turn
    mender._turn = lambda *_: time.sleep(0.01)
    place.road.reset()
    time.sleep(2)
    mender._turn = turn
    exchange(place.nodes)


def test_what_is_kept_is_bounded_and_two_that_send_much_do_not_wait_for_each_other(places, securities, monkeypatch):
    monkeypatch.setattr(outbox, "KEPT_BYTES", 4 << 20)
    monkeypatch.setattr("tacit.transport.inbox.ACKNOWLEDGE_BYTES", 1 << 20)
    place = places(securities)
    most = 0

    def watch():
        nonlocal most
        while not done.wait(0.001):
            most = max(most, *(box._kept.nbytes for node in place.nodes.values() for box in node._outboxes.values()))

    done = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    breaker = threading.Timer(0.05, place.road.reset)
    breaker.start()
    size = 40 << 20
    data = {name: random.Random(name).randbytes(size) for name in PAIR}
    for name, peer in (PAIR, PAIR[::-1]):
        place.nodes[name].send(peer, b"", [memoryview(data[name])])
    together(
        [
            lambda: check(take(place.nodes["lab"], "clinic")[1] == data["clinic"]),
            lambda: check(take(place.nodes["clinic"], "lab")[1] == data["lab"]),
        ]
    )
    breaker.join()
    done.set()
    watcher.join()
    assert most < (4 << 20) + (8 << 20)  # and what the kernel takes in one write


def check(condition):
    assert condition


def test_what_was_acknowledged_is_let_go_of(places, securities):
    place = places(securities)
    exchange(place.nodes)
    time.sleep(0.6)
    assert not any(box._kept.nbytes for node in place.nodes.values() for box in node._outboxes.values())
    assert all(link._kept.nbytes < 1000 for node in place.nodes.values() for link in node._controls.values())


def test_a_forged_byte_costs_a_connection_and_many_the_session(places, identities, monkeypatch):
    pins = {name: [identity.fingerprint] for name, identity in identities.items()}
    securities = {name: Tls(identity, pins) for name, identity in identities.items()}
    forging = []

    def change(data):
        if not forging or len(data) < 5000:  # handshakes are shorter
            return data
        forging.pop()
        return data[:500] + bytes([data[500] ^ 1]) + data[501:]

    place = places(securities, change=change)
    forging += [1] * 3
    exchange(place.nodes)
    exchange(place.nodes, seed=1)
    assert not forging
    monkeypatch.setattr(tcp, "MAX_FORGED", 4)
    forging += [1] * 50
    with pytest.raises(FrameError, match=r"is not what it sent next|'clinic'.* sent bytes that are not a valid frame"):
        exchange(place.nodes, seed=2, frames=300)


def test_a_peer_that_misbehaves_is_not_dialled_again(places, securities):
    place = places(securities)
    faults.garbage(place.nodes["clinic"], "lab")
    with pytest.raises(FrameError, match="'clinic' sent bytes that are not a frame"):
        take(place.nodes["lab"], "clinic")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"token": "0" * 32}, "does not know the connection"),
        ({"attempt": 0}, "a later attempt came before"),
    ],
)
def test_a_resumption_has_to_be_one(places, securities, change, says, monkeypatch):
    """Somebody with the session's name, or a greeting that was long under way, takes over no connection."""
    place = places(securities)
    mender = place.nodes["clinic"]._mender
    hello = bond.Redial.hello
    monkeypatch.setattr(bond.Redial, "hello", lambda redial: changed(hello(redial), change))
    place.road.lasting()[0].reset()
    time.sleep(0.5)
    caller = next(iter(mender._bonds["lab"].callers()))
    assert says in caller.note
    monkeypatch.undo()
    exchange(place.nodes)


def changed(greeting, change):
    return replace(greeting, resume=replace(greeting.resume, **change))


def test_a_position_that_cannot_be_ends_the_session(places, securities, monkeypatch):
    place = places(securities, wanted=replace(SETTINGS, reconnect_timeout=2))
    hello = bond.Redial.hello
    monkeypatch.setattr(bond.Redial, "hello", lambda redial: changed(hello(redial), {"received": 10**9}))
    place.road.reset()
    with pytest.raises(FrameError, match=r"'clinic' says it (has|received) 1000000000 bytes"):
        take(place.nodes["lab"], "clinic")


def test_strangers_and_another_session_change_nothing_while_a_session_runs(places, securities):
    place = places(securities)
    idle = [socket.create_connection(place.road.target) for _ in range(70)]
    for stranger in idle[:20]:
        stranger.sendall(pack_header(Kind.HELLO, 0, 1 << 60, 0))
    place.road.reset()
    exchange(place.nodes)
    for stranger in idle:
        stranger.close()


def test_a_link_that_breaks_while_all_say_goodbye(places, securities):
    for _ in range(5):
        place = places(securities)
        nodes = place.nodes
        exchange(nodes, frames=3)
        breaker = threading.Timer(0.002, place.road.reset)
        breaker.start()
        together([nodes["lab"].close, nodes["clinic"].close])
        breaker.join()


@pytest.mark.slow  # two seconds of refusal
def test_who_failed_while_the_link_was_broken_says_that_it_has(places, securities):
    place = places(securities)
    place.road.reset()
    time.sleep(0.05)
    place.nodes["lab"].abort("lab", "failed")
    with pytest.raises(LinkError, match="the link to 'lab' was lost: the session has ended at 'lab'"):
        take(place.nodes["clinic"], "lab")


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_the_time_out_is_checked(seconds):
    with pytest.raises(MisuseError, match="reconnect_timeout"):
        Settings(reconnect_timeout=seconds)


def test_an_address_that_cannot_be_reached_is_tried_for_a_while_only(places, securities, monkeypatch):
    """That of the clinic, for the lab, which would like to know where to look for it."""
    monkeypatch.setattr(bond, "FIRST_PROBE_SECONDS", 0.2)
    begin = mending.LinkMender.begin

    def begin_astray(mender, links):
        astray = dict.fromkeys(mender.terms.addresses, ("127.0.0.1", 1))
        mender.terms = replace(mender.terms, addresses=astray)
        begin(mender, links)

    monkeypatch.setattr(mending.LinkMender, "begin", begin_astray)
    place = places(securities)
    probing = place.nodes["lab"]._mender._bonds["clinic"].callers
    assert probing()
    time.sleep(1)
    assert not probing()
