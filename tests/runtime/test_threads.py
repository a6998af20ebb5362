import threading
import time

import pytest
import torch

import tacit
from tacit.errors import DivergenceError, LinkError, MisuseError, NotBuiltError, PartyFailedError
from tacit.runtime.session import current

PLAIN = tacit.Settings(protocol="plaintext")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def exchange(op="add", value=1.0):
    """One op in which everybody sends a number to everybody."""
    channel = current().channel
    with current().meter.op(op):
        channel.transcript.begin(op, "1")
        return [tensor.item() for tensor in channel.broadcast(torch.tensor([value])).wait()]


def test_every_party_runs_the_job_and_its_result_comes_back():
    def job(base):
        me = tacit.party()
        return me.name, me.rank, me.world_size, exchange(value=base + me.rank)

    results = tacit.run(job, ["lab", "clinic", "bank"], args=(10,), settings=PLAIN)
    assert list(results) == ["lab", "clinic", "bank"]
    assert results["clinic"] == ("clinic", 1, 3, [10, 12])


def test_with_the_dealer():
    assert tacit.run(lambda: exchange(value=tacit.party().rank), ["lab", "clinic"]) == {"lab": [1], "clinic": [0]}


def test_the_failing_party_is_named_with_its_own_traceback():
    def job():
        exchange()
        if tacit.party().name == "clinic":
            raise ZeroDivisionError("the patient's name is Bob")
        exchange()

    with pytest.raises(PartyFailedError, match="party 'clinic' failed: ZeroDivisionError") as caught:
        tacit.run(job, ["lab", "clinic", "bank"], settings=PLAIN)
    assert caught.value.party == "clinic"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "test_threads.py" in str(caught.value)
    assert "in job" in str(caught.value)
    assert "runtime/threads.py" not in str(caught.value)
    assert set(caught.value.failures) == {"lab", "clinic", "bank"}
    assert "Bob" not in caught.value.failures["lab"], "what the job says in an error stays at its party"
    assert "'clinic' stopped with an error" in caught.value.failures["lab"]


def test_parties_that_run_different_programs():
    with pytest.raises(PartyFailedError, match=r"lab ran lab\(1\).*clinic ran clinic\(1\)") as caught:
        tacit.run(lambda: exchange(tacit.party().name), ["lab", "clinic"], settings=PLAIN)
    assert isinstance(caught.value.__cause__, DivergenceError)


def test_a_party_that_returns_early_does_not_leave_others_waiting():
    def job():
        if tacit.party().name == "lab":
            exchange()

    with pytest.raises(PartyFailedError, match="'clinic' has finished while 'lab' still"):
        tacit.run(job, ["lab", "clinic"], settings=PLAIN)


def test_each_party_has_its_own_random_numbers_as_in_processes():
    def job():
        torch.manual_seed(tacit.party().rank)
        drawn = []
        for _ in range(20):
            drawn.append(torch.rand(1).item())
            exchange()
        return drawn

    state = torch.get_rng_state()
    results = tacit.run(job, ["lab", "clinic"], settings=PLAIN)
    assert torch.equal(state, torch.get_rng_state())
    for rank, name in enumerate(results):
        generator = torch.Generator().manual_seed(rank)
        assert results[name] == [torch.rand(1, generator=generator).item() for _ in range(20)]


def test_profile_counts_what_a_stretch_costs(tmp_path):
    def job():
        exchange()
        with tacit.profile() as p:
            with current().meter.module("net"), current().meter.module("conv"):
                exchange("convolution")
            exchange("relu")
            exchange("relu")
        exchange()
        p.save(tmp_path / f"{tacit.party().name}.json")
        by_module = {(place.module, place.op): cost.calls for place, cost in p.costs.items()}
        return p.rounds, p.bytes_sent, p.dealer_bytes, str(p.table()), str(p.table("module")), by_module

    rounds, sent, dealt, table, modules, counted = tacit.run(job, ["lab", "clinic"], settings=PLAIN)["lab"]
    assert (rounds, sent, dealt) == (3, 12, 0)
    assert counted == {("net.conv", "convolution"): 1, ("", "relu"): 2}
    assert "relu" in table
    assert "convolution" in table
    assert "net.conv" in modules
    import json

    events = json.loads((tmp_path / "lab.json").read_text())["traceEvents"]
    names = [event["name"] for event in events]
    assert names == ["process_name", "net", "conv", "convolution", "relu", "relu"]
    assert all({"ts", "dur", "pid", "tid"} <= event.keys() for event in events if event["ph"] == "X")


def test_the_ledger_is_a_table():
    def job():
        for _ in range(2):
            current().ledger.record((2, 3), torch.float32, ["clinic"], "job.py:12")
        current().ledger.record((), "int64", "lab", "job.py:13")
        return tacit.ledger()

    entries = tacit.run(job, ["lab", "clinic"], settings=PLAIN)["lab"]
    assert len(entries) == 3
    assert str(entries.entries[0]) == "2x3 float32 to clinic at job.py:12"
    assert "scalar" in str(entries)
    assert "job.py:13" in str(entries)


@pytest.mark.parametrize(
    ("parties", "match"),
    [
        (["lab"], "at least two"),
        (["lab", "lab"], "twice"),
        (["lab", "dealer"], "dealer's name"),
        (["lab", "a b"], "cannot name a party"),
        ("lab", "must be a list"),
    ],
)
def test_names_are_checked(parties, match):
    with pytest.raises(MisuseError, match=match):
        tacit.run(exchange, parties)


def test_other_misuse():
    with pytest.raises(MisuseError, match="needs a function"):
        tacit.run(3, ["lab", "clinic"])
    with pytest.raises(MisuseError, match="Choose one of 'threads', 'processes'"):
        tacit.run(exchange, ["lab", "clinic"], backend="mpi")
    with pytest.raises(MisuseError, match="there is no session here"):
        tacit.party()
    with pytest.raises(NotBuiltError):
        tacit.Settings(randomness="ot")


def test_an_interrupt_ends_all_threads(interruptible):
    before = set(threading.enumerate())

    def job():
        if tacit.party().name == "clinic":
            exchange()
        raise_in_main()
        while True:
            exchange()

    def raise_in_main():
        import signal

        signal.raise_signal(signal.SIGINT)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        tacit.run(job, ["lab", "clinic"], settings=PLAIN)
    assert time.monotonic() - start < 2
    time.sleep(0.1)
    assert set(threading.enumerate()) <= before


def test_exceptions_that_name_a_party_survive_pickling():
    import pickle

    error = pickle.loads(pickle.dumps(LinkError("gone", "lab")))  # noqa: S301
    assert (str(error), error.party) == ("gone", "lab")
