import time

import pytest
import torch

import tacit
from tacit.errors import FrameError, MisuseError
from tacit.runtime.session import current
from tacit.testing.transports import TransportSuite, close_all, take
from tacit.transport.memory import MemoryNetwork
from tacit.transport.shaped import Network, ShapedTransport, shape

SLOW = Network("slow", delay=0.05, rate=1e6)


def connect(names, network):
    inner = MemoryNetwork(names)
    return {name: ShapedTransport(inner.transport(name), network) for name in names}


class TestShapedTransport(TransportSuite):
    def connect(self, names):
        return connect(names, Network("fast", delay=1e-5, rate=1e12))

    def test_parts_make_one_payload(self):
        """The stamp takes 8 bytes of the largest tag."""
        nodes = self.connect(("lab", "clinic"))
        nodes["lab"].send("clinic", b"x" * 1016, [memoryview(b"one"), memoryview(b"two")])
        assert take(nodes["clinic"], "lab") == (b"x" * 1016, b"onetwo")
        close_all(nodes)


def test_frames_take_their_delay_and_queue_for_the_rate():
    nodes = connect(("lab", "clinic"), SLOW)
    start = time.monotonic()
    for _ in range(2):
        nodes["lab"].send("clinic", b"", [memoryview(bytes(100_000))])
    assert time.monotonic() - start < 0.05
    take(nodes["clinic"], "lab")
    assert time.monotonic() - start >= 0.15
    take(nodes["clinic"], "lab")
    assert 0.25 <= time.monotonic() - start < 1
    close_all(nodes)


def test_a_peer_that_does_not_shape_its_link_is_named():
    inner = MemoryNetwork(("lab", "clinic"))
    shaped = ShapedTransport(inner.transport("lab"), SLOW)
    inner.transport("clinic").send("lab", b"tag", [])
    with pytest.raises(FrameError, match="'clinic' does not shape its link"):
        take(shaped, "clinic")


def test_only_links_on_this_machine_can_be_shaped():
    transport = MemoryNetwork(("lab", "clinic")).transport("lab")
    transport.loopback = False
    with pytest.raises(MisuseError, match="this machine"):
        ShapedTransport(transport, SLOW)


def job():
    x = tacit.secret(torch.ones(10), owner="lab") + tacit.secret(torch.zeros(10), owner="clinic")
    shape(current().channel, SLOW)
    start = time.monotonic()
    with tacit.profile() as costs:
        value = tacit.reveal(x * x * x)
    return value, time.monotonic() - start, costs.rounds


def test_a_program_takes_its_rounds_times_the_delay():
    results = tacit.run(job, parties=["lab", "clinic"]).values()
    assert all(torch.allclose(value, torch.ones(10), atol=1e-3) for value, _, _ in results)
    rounds = min(rounds for _, _, rounds in results)  # the owner also counts the round in which it shared x
    seconds = max(seconds for _, seconds, _ in results)  # a party that starts late finds its first frames there
    assert rounds * SLOW.delay <= seconds < rounds * SLOW.delay + 2
