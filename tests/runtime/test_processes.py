"""Where processes are the point: what is killed, stopped or interrupted, and that nothing is left behind."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

import tacit
from tacit.errors import MisuseError, PartyFailedError
from tacit.runtime.processes import run_processes
from tacit.runtime.session import current
from tacit.transport import pulse
from tacit.transport.certificates import make

pytestmark = pytest.mark.slow  # four processes that import PyTorch, each time: nothing less can be killed or frozen

PARTIES = ["lab", "clinic", "bank"]
SETTINGS = tacit.Settings(connect_timeout=5, heartbeat_timeout=2)
NOTICE_SECONDS = 5
"""Within this time after the event every party has raised an error that names the culprit."""


class Pair:
    """Defined here, so that it has to travel by value."""

    def __init__(self, left, right):
        self.left, self.right = left, right


def exchange():
    channel = current().channel
    channel.transcript.begin("add", "1")
    return [tensor.item() for tensor in channel.broadcast(torch.tensor([tacit.party().rank])).wait()]


def work_until(folder, event):
    """Exchange for ever; ``event(name)`` happens in the middle. Notes this process, and when and why it ended."""
    name = tacit.party().name
    exchange()
    (folder / f"{name}.pid").write_text(f"{os.getpid()} {os.getppid()}")
    time.sleep(0.1)
    (folder / f"{name}.began").write_text(str(time.time()))
    try:
        event(name)
        while True:
            exchange()
    except BaseException as error:
        note = [type(error).__name__, getattr(error, "party", None), str(error), time.time()]
        (folder / f"{name}.end").write_text(json.dumps(note))
        raise


def fails_with(folder, event, culprit, parties=PARTIES):
    """Run until the event; returns the error, and checks that every other party blames the culprit in time."""
    with pytest.raises(PartyFailedError) as caught:
        tacit.run(work_until, parties, (folder, event), "processes", SETTINGS)
    assert caught.value.party == culprit
    for name in parties:
        if name != culprit:
            kind, party, text, when = json.loads((folder / f"{name}.end").read_text())
            assert kind in ("LinkError", "PeerError"), text
            assert party == culprit
            assert f"'{culprit}'" in text
            assert when - float((folder / f"{name}.began").read_text()) < NOTICE_SECONDS
    nobody_is_left(folder)
    return caught.value


def nobody_is_left(folder, seconds=1.0):
    pids = [int(path.read_text().split()[0]) for path in folder.glob("*.pid")]
    assert pids
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(alive(pid) for pid in pids):
        time.sleep(0.02)
    assert not [pid for pid in pids if alive(pid)]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_results_of_any_kind_come_back():
    def job(scale):
        return Pair(torch.full((2, 2), scale * tacit.party().rank), exchange()), os.getpid()

    results = tacit.run(job, PARTIES, (10,), "processes", SETTINGS)
    assert list(results) == PARTIES
    pair, pid = results["bank"]
    assert type(pair) is Pair
    assert torch.equal(pair.left, torch.full((2, 2), 20))
    assert pair.right == [0, 1]
    assert len({os.getpid(), pid, results["lab"][1], results["clinic"][1]}) == 4
    assert not alive(pid)


def test_an_exception_names_its_party_and_says_nothing_to_the_others(tmp_path):
    def event(name):
        if name == "clinic":
            raise ValueError("the patient's name is Bob")

    error = fails_with(tmp_path, event, "clinic")
    assert "party 'clinic' failed: ValueError" in str(error)
    assert "in event" in str(error)
    assert isinstance(error.__cause__, ValueError)
    assert "Bob" not in (tmp_path / "lab.end").read_text()


def test_a_killed_party(tmp_path):
    def event(name):
        if name == "clinic":
            os.kill(os.getpid(), signal.SIGKILL)

    assert "killed by SIGKILL" in str(fails_with(tmp_path, event, "clinic"))


def test_a_frozen_party(tmp_path):
    def event(name):
        if name == "clinic":
            os.kill(os.getpid(), signal.SIGSTOP)

    assert "'clinic' is frozen: no heartbeat" in str(fails_with(tmp_path, event, "clinic"))


@pytest.mark.skipif(not pulse.available(), reason="a pulse needs the compiled module")
def test_a_party_whose_interpreter_is_busy_is_not_frozen():
    def job():
        exchange()
        if tacit.party().name == "clinic":
            ctypes.PyDLL(None).usleep(3_500_000)  # in foreign code, and no other thread may run Python meanwhile
        return exchange()

    results = tacit.run(job, PARTIES, (), "processes", tacit.Settings(connect_timeout=5, heartbeat_timeout=1))
    assert results["lab"] == [1, 2]


@pytest.mark.skipif(not pulse.available(), reason="a pulse needs the compiled module")
def test_nor_is_it_where_links_are_mended(tmp_path):
    """Whoever dials tries it again, and is answered when it has time."""

    def job():
        exchange()
        if tacit.party().name == "clinic":
            ctypes.PyDLL(None).usleep(6_000_000)
        return exchange()

    for name in ("lab", "clinic", "dealer"):
        make(name, tmp_path)
    settings = tacit.Settings(connect_timeout=5, heartbeat_timeout=1, reconnect_timeout=2)
    assert run_processes(job, ("lab", "clinic"), (), settings, certs=tmp_path)["lab"] == [1]


def test_a_killed_dealer(tmp_path):
    def event(name):
        if name == "lab":
            launcher = os.getppid()
            for pid in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
                if "a node of tacit.run: dealer" in Path(f"/proc/{pid}/cmdline").read_text():
                    os.kill(int(pid), signal.SIGKILL)

    assert "the dealer failed: its process was killed" in str(fails_with(tmp_path, event, "dealer", ["lab", "clinic"]))


def test_different_public_tensors():
    def job():
        channel = current().channel
        channel.transcript.begin("mul", "3")
        channel.transcript.public(torch.ones(3) * tacit.party().rank)
        exchange()

    with pytest.raises(PartyFailedError, match=r"the public tensor \(3\) at test_processes.py:\d+ differs") as caught:
        tacit.run(job, ["lab", "clinic"], (), "processes", SETTINGS)
    assert all("differs between lab and clinic" in caught.value.failures[name] for name in ("lab", "clinic"))


def test_a_job_that_cannot_be_sent_is_misuse():
    lock = threading.Lock()
    with pytest.raises(MisuseError, match="cannot be sent to another process"):
        tacit.run(lambda: lock, ["lab", "clinic"], (), "processes", SETTINGS)


def test_a_process_that_dies_before_it_joins():
    class Bomb:
        def __reduce__(self):
            return os._exit, (3,)

    with pytest.raises(PartyFailedError, match="ended with exit status 3"):
        tacit.run(print, ["lab", "clinic"], (Bomb(),), "processes", SETTINGS)


SCRIPT = """
import pathlib, sys, time
import tacit
from tacit.runtime.session import current
import os, torch

folder = pathlib.Path(sys.argv[1])

class Net(torch.nn.Linear):
    pass

def job():
    (folder / f"{tacit.party().name}.pid").write_text(f"{os.getpid()} {os.getppid()}")
    Net(1, 1)
    if tacit.party().name == "clinic":
        torch.ones(1)
        time.sleep(60)
    channel = current().channel
    channel.transcript.begin("add", "1")
    channel.broadcast(torch.ones(1)).wait()

tacit.run(job, ["lab", "clinic"], backend="processes")
"""


@pytest.fixture
def script(tmp_path, interruptible):
    """A launcher as a plain script without a main guard, whose job runs for a minute."""
    path = tmp_path / "job.py"
    path.write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, path, tmp_path], env=env, stderr=subprocess.PIPE, start_new_session=True, text=True
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.pid"))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    time.sleep(0.2)
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


def test_an_interrupt_ends_all_processes_within_two_seconds(script, tmp_path):
    start = time.monotonic()
    script.send_signal(signal.SIGINT)
    script.wait(10)
    nobody_is_left(tmp_path)
    assert time.monotonic() - start < 2
    assert "KeyboardInterrupt" in script.stderr.read()


def test_ctrl_c_in_a_terminal_goes_to_the_launcher_only(script, tmp_path):
    os.killpg(script.pid, signal.SIGINT)
    script.wait(2)
    nobody_is_left(tmp_path)
    error = script.stderr.read()
    assert error.count("Traceback") == 1
    assert "KeyboardInterrupt" in error


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_nobody_outlives_the_launcher(script, tmp_path, sign):
    os.kill(int((tmp_path / "lab.pid").read_text().split()[0]), signal.SIGSTOP)
    script.send_signal(sign)
    script.wait(2)
    nobody_is_left(tmp_path)
