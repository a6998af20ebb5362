import pytest
import torch

import tacit
from tacit.errors import FrameError, MisuseError
from tacit.runtime.session import current
from tacit.testing.transports import TransportSuite, close_all, take
from tacit.transport.memory import MemoryNetwork
from tacit.transport.prediction import PredictingTransport, predict
from tacit.transport.shaped import Network

SLOW, FAST = Network("slow", delay=0.05, rate=1e6), Network("fast", delay=1e-5, rate=1e12)


def connect(names, networks=(SLOW, FAST)):
    inner = MemoryNetwork(names)
    return {name: PredictingTransport(inner.transport(name), networks) for name in names}


class TestForeseenTransport(TransportSuite):
    def connect(self, names):
        return connect(names)

    def test_parts_make_one_payload(self):
        """The stamps take 8 bytes of the largest tag for each network."""
        nodes = self.connect(("lab", "clinic"))
        nodes["lab"].send("clinic", b"x" * 1008, [memoryview(b"one"), memoryview(b"two")])
        assert take(nodes["clinic"], "lab") == (b"x" * 1008, b"onetwo")
        close_all(nodes)


def test_frames_take_their_delay_and_queue_for_the_rate():
    nodes = connect(("lab", "clinic"))
    for _ in range(2):
        nodes["lab"].send("clinic", b"", [memoryview(bytes(100_000))])
    assert nodes["lab"].seconds()["slow"] < 0.05
    take(nodes["clinic"], "lab")
    assert 0.15 <= nodes["clinic"].seconds()["slow"] < 0.2
    take(nodes["clinic"], "lab")
    assert 0.25 <= nodes["clinic"].seconds()["slow"] < 0.3
    assert nodes["clinic"].seconds()["fast"] < 0.05
    close_all(nodes)


def test_what_happens_meanwhile_costs_nothing():
    """Both send at once; a frame that has arrived long ago is not waited for."""
    nodes = connect(("lab", "clinic"))
    for name, peer in (("lab", "clinic"), ("clinic", "lab")):
        nodes[name].send(peer, b"", [memoryview(bytes(100_000))])
    for name, peer in (("lab", "clinic"), ("clinic", "lab")):
        take(nodes[name], peer)
        assert 0.15 <= nodes[name].seconds()["slow"] < 0.2
    close_all(nodes)


def test_a_peer_that_keeps_no_time_is_named():
    inner = MemoryNetwork(("lab", "clinic"))
    predicted = PredictingTransport(inner.transport("lab"), [SLOW])
    inner.transport("clinic").send("lab", b"tag", [])
    with pytest.raises(FrameError, match="'clinic' does not shape its link"):
        take(predicted, "clinic")
    with pytest.raises(MisuseError, match="at least one network"):
        PredictingTransport(inner.transport("lab"), [])


def job():
    x = tacit.secret(torch.ones(1000), owner="lab") + tacit.secret(torch.zeros(1000), owner="clinic")
    clock = predict(current().channel, [SLOW])
    with tacit.profile() as costs:
        tacit.reveal(torch.relu(x * x))
    return clock.seconds()["slow"], costs.rounds, costs.bytes_sent


def test_a_program_takes_its_rounds_and_its_bytes():
    results = tacit.run(job, ["lab", "clinic"], settings=tacit.Settings(randomness="insecure_local"))
    seconds = max(seconds for seconds, _, _ in results.values())
    rounds, nbytes = min(rounds for _, rounds, _ in results.values()), results["lab"][2]
    least = rounds * SLOW.delay + nbytes / SLOW.rate
    assert least <= seconds < least + 0.5
