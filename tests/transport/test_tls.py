"""Links over TLS: everything a transport must do, and nobody else on them."""

import datetime
import os
import socket
import threading
import time
from dataclasses import replace

import pytest
from cryptography import x509
from OpenSSL import SSL

from tacit.errors import FrameError, HandshakeError, LinkError, MisuseError
from tacit.runtime.rendezvous import listen, meet
from tacit.settings import Settings
from tacit.testing.transports import TransportSuite, close_all, take, together
from tacit.transport import certificates
from tacit.transport.certificates import fingerprint, make, read, renew
from tacit.transport.sealed import Keys, SealedWire
from tacit.transport.sockets import PeerGone, tune
from tacit.transport.tls import Tls

NAMES = ("lab", "clinic", "bank")
SETTINGS = Settings(connect_timeout=5, heartbeat_timeout=1, reconnect_timeout=0)


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {name: make(name, folder) for name in (*NAMES, "stranger")}


def pins(identities, names=NAMES):
    return {name: [identities[name].fingerprint] for name in names}


def join_all(identities, names=NAMES, settings=SETTINGS, securities=None, between=None):
    """Nodes that met, and the errors of those that did not. between: listens in the place of each listener."""
    known = pins(identities, names)
    securities = {name: Tls(identities[name], known) for name in names} | (securities or {})
    listeners = {name: listen(("127.0.0.1", 0), securities[name]) for name in names}
    addresses = {name: listeners[name].getsockname() for name in names}
    seen = {name: between(address) for name, address in addresses.items()} if between else addresses
    nodes, errors = {}, {}

    def join(name):
        try:
            nodes[name] = meet(name, seen, listeners[name], "a test", settings, securities[name])
        except (LinkError, HandshakeError) as error:
            errors[name] = error

    together([lambda name=name: join(name) for name in names], seconds=20)
    return {name: nodes[name] for name in names if name in nodes}, errors


class TestTlsTransport(TransportSuite):
    @pytest.fixture(autouse=True)
    def _certificates(self, identities):
        self.identities = identities

    def connect(self, names):
        nodes, errors = join_all(self.identities, names)
        assert not errors
        return nodes


QUICK = replace(SETTINGS, connect_timeout=0.8)


def test_a_certificate_that_is_not_pinned_is_refused_at_both_ends(identities, caplog):
    securities = {"clinic": Tls(identities["stranger"], pins(identities))}
    nodes, errors = join_all(identities, ("lab", "clinic"), QUICK, securities)
    assert not nodes
    assert "it is that of no node here" in caplog.text
    assert identities["stranger"].fingerprint in caplog.text
    assert "'clinic' did not join the session" in str(errors["lab"])


@pytest.mark.slow  # waits for parties that do not come, or for strangers
def test_who_calls_checks_who_answers(identities):
    securities = {"lab": Tls(identities["stranger"], pins(identities))}
    _, errors = join_all(identities, ("lab", "clinic"), QUICK, securities)
    assert "the certificate shown there is refused: it is not that of 'lab'" in str(errors["clinic"])


@pytest.mark.slow  # waits for parties that do not come, or for strangers
def test_a_node_cannot_take_another_ones_name(identities):
    """The bank is known to all, but does not come as the clinic."""
    securities = {"clinic": Tls(identities["bank"], pins(identities))}
    nodes, errors = join_all(identities, NAMES, QUICK, securities)
    assert "clinic" not in nodes
    assert errors["lab"].party == "clinic"


def made_by_a_clock(name, folder, monkeypatch, **off):
    """A certificate for a day, made where the clock is off."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.now(tz) + datetime.timedelta(**off)

    with monkeypatch.context() as patch:
        patch.setattr(certificates, "datetime", Clock)
        return make(name, folder, days=1)


@pytest.mark.slow  # waits for parties that do not come
@pytest.mark.parametrize(("off", "says"), [({"days": -1, "minutes": -6}, "was valid until"), ({"days": -1}, "")])
def test_an_expired_certificate_is_refused_with_some_patience_for_clocks(
    identities, tmp_path, monkeypatch, off, says, caplog
):
    changed = {**identities, "clinic": made_by_a_clock("clinic", tmp_path, monkeypatch, **off)}
    nodes, _ = join_all(changed, ("lab", "clinic"), QUICK)
    assert bool(nodes) == (not says)
    assert says in caplog.text
    close_all(nodes)


def test_a_certificate_of_the_future_asks_for_the_clock(tmp_path, monkeypatch):
    early = made_by_a_clock("lab", tmp_path, monkeypatch, hours=1)
    assert "is a clock wrong" in certificates.refusal(early.certificate, [], "lab", [early.fingerprint])


def test_a_certificate_by_a_pinned_authority_will_do(identities, tmp_path):
    hospital = make("hospital", tmp_path, authority=True)
    issued = {name: make(name, tmp_path, by=hospital) for name in NAMES}
    known = {name: [hospital.fingerprint] for name in NAMES}
    nodes, errors = join_all(issued, NAMES, SETTINGS, {name: Tls(issued[name], known) for name in NAMES})
    assert not errors
    close_all(nodes)
    # one that is no authority issues nothing, and a certificate is for its name
    assert certificates.refusal(issued["lab"].certificate, [hospital.certificate], "clinic", known["clinic"])
    other = make("other", tmp_path, by=issued["bank"])
    assert certificates.refusal(other.certificate, [issued["bank"].certificate], "other", [issued["bank"].fingerprint])


def test_plain_and_old_tls_are_refused_and_hold_up_nobody(identities):
    security = Tls(identities["lab"], pins(identities))
    listener = listen(("127.0.0.1", 0), security)
    address = listener.getsockname()
    refused = []

    def downgraded():
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        with socket.create_connection(address) as sock:
            connection = SSL.Connection(context, sock)
            connection.set_connect_state()
            try:
                connection.do_handshake()
            except SSL.Error as error:
                refused.append(str(error))

    def plain():
        with socket.create_connection(address) as sock:
            sock.settimeout(5)
            sock.sendall(b"TACT hello" * 10)
            try:
                while sock.recv(100):
                    pass
            except OSError:
                pass
            refused.append("plain")

    def clinic():
        time.sleep(0.3)
        nodes["clinic"] = meet("clinic", places, other, "a test", SETTINGS, Tls(identities["clinic"], pins(identities)))

    nodes = {}
    other = listen(("127.0.0.1", 0), security)
    places = {"lab": address, "clinic": other.getsockname()}
    strangers = [threading.Thread(target=job) for job in (downgraded, plain)]
    for stranger in strangers:
        stranger.start()
    joining = threading.Thread(target=clinic)
    joining.start()
    nodes["lab"] = meet("lab", places, listener, "a test", SETTINGS, security)
    for thread in (*strangers, joining):
        thread.join(10)
    assert len(refused) == 2
    nodes["lab"].send("clinic", b"tag", [memoryview(b"payload")])
    assert take(nodes["clinic"], "lab") == (b"tag", b"payload")
    close_all(nodes)


@pytest.mark.slow  # waits for parties that do not come, or for strangers
def test_200_silent_strangers_do_not_keep_a_session_from_starting(identities):
    known = pins(identities)
    securities = {name: Tls(identities[name], known) for name in ("lab", "clinic")}
    listeners = {name: listen(("127.0.0.1", 0), securities[name]) for name in securities}
    addresses = {name: listener.getsockname() for name, listener in listeners.items()}
    idle = [socket.create_connection(addresses["lab"]) for _ in range(100)]
    nodes = {}

    def join(name):
        nodes[name] = meet(name, addresses, listeners[name], "a test", SETTINGS, securities[name])

    def crowd():
        for _ in range(100):
            try:
                idle.append(socket.create_connection(addresses["lab"], timeout=1))
                idle[-1].send(b"\x16")
            except OSError:
                return
            time.sleep(0.005)

    together([crowd, lambda: join("lab"), lambda: join("clinic")], seconds=20)
    close_all(nodes)
    for sock in idle:
        sock.close()


class Tampering:
    """Passes on what goes between two sockets, and changes what ``change`` says of it."""

    def __init__(self, target, change):
        self.change, self.target = change, target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        number = 0
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.target)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(source, sink, number), daemon=True).start()
            number += 1

    def pump(self, source, sink, number):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(self.change(data, number))
        except OSError:
            pass
        finally:
            sink.close()


@pytest.mark.parametrize("how", ["flipped", "repeated", "left out"])
def test_a_changed_link_is_refused_and_the_peer_named(identities, how):
    armed = threading.Event()

    def change(data, _):
        if not armed.is_set() or len(data) < 1000:  # heartbeats are shorter
            return data
        return {"flipped": data[:-1] + bytes([data[-1] ^ 1]), "repeated": data + data, "left out": b""}[how]

    nodes, errors = join_all(identities, ("lab", "clinic"), between=lambda address: Tampering(address, change).address)
    assert not errors
    armed.set()
    nodes["clinic"].send("lab", b"tag", [memoryview(bytes(2000))])
    if how == "left out":
        time.sleep(0.2)
        armed.clear()
        nodes["clinic"].send("lab", b"tag", [memoryview(bytes(2000))])
    if how == "repeated":
        take(nodes["lab"], "clinic")
        armed.clear()
    with pytest.raises(FrameError, match="'clinic' is not what it sent next") as caught:
        take(nodes["lab"], "clinic")
    assert caught.value.party == "clinic"
    close_all(nodes)


def test_nothing_readable_is_on_the_wire(identities):
    seen = []

    def note(data, _):
        seen.append(data)
        return data

    nodes, _ = join_all(identities, ("lab", "clinic"), between=lambda address: Tampering(address, note).address)
    nodes["lab"].send("clinic", b"a tag to look for", [memoryview(b"a payload to look for" * 100)])
    take(nodes["clinic"], "lab")
    close_all(nodes)
    everything = b"".join(seen)
    for text in (b"to look for", b"a test", b"lab", b"clinic", b"TACT", *(n.encode() for n in NAMES)):
        assert text not in everything


@pytest.fixture
def wires():
    ends = socket.socketpair()
    for sock in ends:
        sock.setblocking(False)
    mine = Keys(*(os.urandom(32) for _ in range(4)))
    theirs = Keys(mine.receiving, mine.sending, mine.feeling, mine.beating)
    yield SealedWire(ends[0], "far", mine), SealedWire(ends[1], "near", theirs)
    for sock in ends:
        sock.close()


def test_sealed_wires_carry_any_sizes(wires):
    near, far = wires
    sizes = [1, 7, 24, 65_536, 262_143, 262_144, 262_145, 3_000_001]
    data = [os.urandom(size) for size in sizes]
    got = bytearray()
    everything = b"".join(data)
    buffer = memoryview(bytearray(50_000))

    def write():
        rest = [memoryview(part) for part in data]
        while rest:
            count = near.write_some(rest)
            while count:
                step = min(count, rest[0].nbytes)
                rest[0] = rest[0][step:]
                count -= step
                if not rest[0].nbytes:
                    rest.pop(0)

    writer = threading.Thread(target=write)
    writer.start()
    while len(got) < len(everything):
        got += buffer[: far.read_some(buffer)]
    writer.join()
    assert bytes(got) == everything
    near.close()
    with pytest.raises(PeerGone):
        far.read_some(buffer)


def test_beats_cannot_be_foretold_or_repeated(wires):
    near, far = wires
    beats, each = near.beats()
    assert not far.felt()
    near.sock.send(beats[: each + 5])
    assert far.felt()
    assert not far.felt()
    near.sock.send(beats[each + 5 : 2 * each])
    assert far.felt()
    near.sock.send(beats[:each])
    with pytest.raises(FrameError, match="'near' is not what it sent next"):
        far.felt()


def test_no_key_is_in_a_repr(identities, wires):
    near, _ = wires
    for value in (near, near._keys, identities["lab"]):
        assert near._keys.sending.hex() not in repr(value)
        assert repr(near._keys.sending) not in repr(value)
    assert "EllipticCurvePrivateKey" not in repr(identities["lab"])


# ------------------------------------------------------------------ certificates


def test_keys_are_private_and_checked(tmp_path):
    made = make("lab", tmp_path)
    key = tmp_path / "lab.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert read("lab", tmp_path).fingerprint == made.fingerprint
    key.chmod(0o640)
    with pytest.raises(MisuseError, match=r"can be read by others .* chmod 600"):
        read("lab", tmp_path)
    with pytest.raises(MisuseError, match=r"there is no .*clinic\.key: make a certificate .* tacit certs init clinic"):
        read("clinic", tmp_path)
    with pytest.raises(MisuseError, match="is there already"):
        make("lab", tmp_path)
    make("other", tmp_path)
    (tmp_path / "other.crt").write_bytes((tmp_path / "lab.crt").read_bytes())
    with pytest.raises(MisuseError, match="do not belong together"):
        read("other", tmp_path)


def test_renewing_keeps_the_fingerprint_unless_a_new_key_is_wanted(tmp_path):
    first = make("lab", tmp_path, days=1)
    second = renew("lab", tmp_path)
    assert second.fingerprint == first.fingerprint
    assert second.certificate.not_valid_after_utc > first.certificate.not_valid_after_utc
    third = renew("lab", tmp_path, new_key=True)
    assert third.fingerprint != first.fingerprint
    assert read("lab", tmp_path).fingerprint == third.fingerprint
    kept = x509.load_pem_x509_certificate((tmp_path / "lab.old.crt").read_bytes())
    assert fingerprint(kept) == first.fingerprint
    assert (tmp_path / "lab.old.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", [None, "", "sha256:abc", "md5:" + "0" * 64, "sha256:" + "g" * 64, "sha256:" + "A" * 64]
)
def test_fingerprints_are_checked(text):
    with pytest.raises(MisuseError, match="fingerprint"):
        certificates.check_fingerprint(text)


def test_an_unreachable_or_plain_node_is_no_tls_node(identities):
    """A connection to something that does not speak TLS says so."""
    listener = socket.create_server(("127.0.0.1", 0))
    sock = tune(socket.create_connection(listener.getsockname()))
    entrance = Tls(identities["lab"], pins(identities)).to(sock, "clinic")
    assert not entrance.ready()
    answer, _ = listener.accept()
    answer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    time.sleep(0.1)
    with pytest.raises(PeerGone):
        entrance.ready()
    assert "no TLS 1.3 handshake" in entrance.note
    for each in (listener, sock, answer):
        each.close()
