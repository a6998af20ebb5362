"""What an operator has of nodes that run: status, metrics, logs, and an orderly stop."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.slow  # three processes that import PyTorch, each time: the commands as operators use them

JOB = """import pathlib, tacit, time, torch
def job():
    x = tacit.secret(torch.arange(64.) if tacit.party().name == 'lab' else None, owner='lab')
    x = (x * tacit.secret(torch.ones(64) if tacit.party().name == 'clinic' else None, owner='clinic')).relu()
    tacit.reveal(x, to='clinic')
    print('begun', flush=True)
    while tacit.party().name == 'lab' and not pathlib.Path('go').exists():
        time.sleep(0.05)
    tacit.reveal(x.sum())
"""
LOGS = ("--log-format", "json", "--log-level", "debug")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where all commands run, and where the status of their nodes is."""
    monkeypatch.setenv("TACIT_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.py").write_text(JOB)
    return tmp_path


@pytest.fixture
def nodes(folder, cluster, start):
    """All three nodes, with metrics and a log; once begun, the lab lets the others wait for a file."""
    cluster.write_text(cluster.read_text() + "heartbeat_timeout = 20\n")
    options = "--config", cluster, *LOGS, "--metrics", "0"
    run = {name: start("run", "job.py", *options, "--party", name, "--json") for name in ("lab", "clinic")}
    return run | {"dealer": start("dealer", *options)}


def until_begun(process):
    """What a party wrote to standard error until its job waits: with ``--json``, prints go there too."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line == "begun\n":
            return lines
    raise AssertionError("".join(lines))


def records(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def status(*words):
    command = [sys.executable, "-m", "tacit.cli", "status", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if "--json" in words else done.stdout


def get(port, path):
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def metrics_of(text):
    """From a sample's name and labels to its value."""
    return {name: float(value) for name, value in re.findall(r"^(tacit\S*) (\S+)$", text, re.MULTILINE)}


def told_after(sent, text):
    """How many seconds after ``sent`` the log in ``text`` says that the session failed: an exit takes longer."""
    end = records(text)[-1]
    assert (end["event"], end["outcome"]) == ("ended", "failed")
    return (datetime.fromisoformat(end["time"]) - sent).total_seconds()


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_status_metrics_and_logs_of_a_session_that_runs(nodes, folder):
    log = "".join(until_begun(nodes["clinic"]))
    port = next(r["address"].split(":")[1] for r in records(log) if r.get("what") == "metrics")
    until(lambda: (status("clinic", "--json")[0]["waiting"] or {}).get("for") == ["lab"])
    shown = {each["node"]: each for each in status("--json")}
    assert {name: each["state"] for name, each in shown.items()} == dict.fromkeys(nodes, "running")
    clinic, dealer = shown["clinic"], shown["dealer"]
    assert clinic["last_op"] == {"name": "reveal", "line": "job.py:9"}
    assert clinic["reveals"] == {"clinic": 2, "lab": 1}
    assert clinic["rounds"] >= 4
    assert {peer["name"]: peer["connected"] for peer in clinic["peers"]} == {"lab": True, "dealer": True}
    assert dealer["dealer"]["requests"] > 0
    assert dealer["waiting"]["for"] == ["lab"]
    words = status()
    assert "waits for lab since" in words
    assert "reveal at" in words

    assert get(port, "/healthz") == (200, "alive\n")
    assert get(port, "/readyz") == (200, "ready\n")
    first, second = (metrics_of(get(port, "/metrics")[1]) for _ in range(2))
    assert first['tacit_bytes_total{direction="received",peer="lab"}'] > 64
    assert first["tacit_connected_peers"] == 2
    waited = 'tacit_waiting_seconds_total{peer="lab"}'
    assert 0 < first[waited] < second[waited]  # while it waits

    os.kill(nodes["dealer"].pid, signal.SIGSTOP)
    (silent,) = status("dealer", "--json")
    assert (silent["state"], silent["process"]) == ("silent", "stopped")
    assert "it is stopped" in status("dealer")
    os.kill(nodes["dealer"].pid, signal.SIGCONT)

    (folder / "go").touch()
    ended = {name: process.communicate(timeout=60) for name, process in nodes.items()}
    assert [process.returncode for process in nodes.values()] == [0, 0, 0], ended
    assert json.loads(ended["clinic"][0])["parties"]["clinic"]["revealed"][0]["to"] == ["clinic"]
    told = records(log + ended["clinic"][1])
    assert {r["session"] for name in ("lab", "dealer") for r in records(ended[name][1])} == {told[0]["session"]}
    events = [record["event"] for record in told]
    for event in ("started", "listening", "peer connected", "session begun", "revealed"):
        assert event in events
    assert told[-1] | {"event": "ended", "outcome": "ended", "node": "clinic"} == told[-1]
    assert told[-1]["rounds"] >= clinic["rounds"]
    assert status("--json") == []
    assert not list((folder / "runtime").iterdir())


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_party_that_its_operator_stops_is_named_at_the_others(nodes, signum):
    until_begun(nodes["clinic"])
    nodes["lab"].send_signal(signum)
    sent = datetime.now(UTC)
    out, err = nodes["lab"].communicate(timeout=30)
    assert nodes["lab"].returncode == 128 + signum
    assert f"tacit run: interrupted by {signum.name}" in err
    assert json.loads(out)["error"]["kind"] == "stopped"
    assert records(err)[-1]["outcome"] == "stopped"
    for name in ("clinic", "dealer"):
        out, err = nodes[name].communicate(timeout=30)
        assert nodes[name].returncode == 1
        assert "'lab' was stopped by its operator" in err
        assert "Traceback" not in err
        assert records(err)[-1]["party"] == "lab"
        assert told_after(sent, err) < 2


def test_a_party_is_stopped_before_the_session_starts(folder, cluster, start):
    lab, clinic = (start("run", "job.py", "--config", cluster, "--party", name, *LOGS) for name in ("lab", "clinic"))
    for line in lab.stderr:
        if "peer connected" in line:
            break
    lab.send_signal(signal.SIGTERM)
    sent = datetime.now(UTC)
    _, err = clinic.communicate(timeout=30)  # it would wait a minute for the dealer
    assert told_after(sent, err) < 2
    assert clinic.returncode == 1
    assert "'lab' was stopped by its operator" in err
    assert lab.wait(10) == 143


def test_the_others_are_told_while_the_party_is_in_a_long_kernel(nodes, folder):
    job = folder / "job.py"
    job.write_text(
        "import hashlib, tacit, torch\ndef job():\n"
        "    x = tacit.secret(torch.ones(8) if tacit.party().name == 'lab' else None, owner='lab')\n"
        "    print('begun', flush=True)\n"
        "    if tacit.party().name == 'lab':\n"
        "        hashlib.pbkdf2_hmac('sha256', b'', b'', 60_000_000)\n"  # for half a minute no signal's handler runs
        "    tacit.reveal(x)\n"
    )
    until_begun(nodes["lab"])
    (shown,) = status("lab", "--json")
    assert (shown["state"], shown["last_op"]["name"]) == ("running", "secret")  # meanwhile it answers
    nodes["lab"].send_signal(signal.SIGTERM)
    sent = datetime.now(UTC)
    _, err = nodes["clinic"].communicate(timeout=30)
    assert told_after(sent, err) < 2
    assert "'lab' was stopped by its operator" in err
    assert nodes["lab"].wait(20) == 143


def test_the_parties_of_a_local_run_log_too_and_terminate_with_it(folder, start):
    run = start("run", "job.py", "--parties", "lab,clinic", *LOGS)
    for line in run.stdout:
        if "begun" in line:  # both parties may print it at the same time
            break
    run.terminate()
    _, err = run.communicate(timeout=30)
    assert run.returncode == 143
    assert "Traceback" not in err
    told = records(err)
    assert {record["node"] for record in told} == {"lab", "clinic", "dealer"}
    assert len({record["session"] for record in told}) == 1
    assert any(record["event"] == "revealed" and record["line"] == "job.py:5" for record in told)
