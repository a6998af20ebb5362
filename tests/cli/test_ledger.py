"""``tacit ledger``, and ``--policy`` and ``--ledger`` of ``tacit run``."""

import json
import re
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest
from typer.testing import CliRunner

from tacit.cli.app import app

JOB = """import torch, tacit
def job():
    x = tacit.secret(torch.tensor([3.5, 4.5]) if tacit.party().name == "clinic" else None, owner="clinic")
    tacit.reveal(x.sum(), to="lab", label="total")
    tacit.reveal(x)
"""
TOTAL = (
    '[policy]\ndefault = "deny"\n[[policy.rules]]\nname = "one total"\nto = "lab"\nlabel = "total"\nmax_reveals = 1\n'
)


@pytest.fixture
def tacit_command():
    def call(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


@pytest.fixture
def job_file(tmp_path):
    path = tmp_path / "job.py"
    path.write_text(JOB)
    return path


@pytest.fixture
def here(job_file):
    """How to run the job as threads of this process."""
    return "run", job_file, "--parties", "lab,clinic", "--backend", "threads", "--randomness", "insecure_local"


@pytest.fixture
def ledgers(here, tmp_path, tacit_command):
    assert tacit_command(*here, "--ledger", tmp_path / "ledgers").exit_code == 0
    return {path.name.split("-")[0]: path for path in (tmp_path / "ledgers").iterdir()}


def test_a_ledger_is_shown_without_a_value(ledgers, tacit_command):
    shown = tacit_command("ledger", "show", ledgers["lab"])
    assert shown.exit_code == 0
    for text in ("'lab', session", "ended well: 2 reveals", "total", "job.py:4", "job.py:5", "scalar"):
        assert text in shown.stdout
    told = json.loads(tacit_command("ledger", "show", ledgers["lab"], "--json").stdout)
    assert told["party"] == "lab"
    assert told["ended"] == "clean"
    assert [(entry["label"], entry["shape"], entry["to"]) for entry in told["entries"]] == [
        ("total", [], ["lab"]),
        ("", [2], ["lab", "clinic"]),
    ]
    assert "3.5" not in ledgers["clinic"].read_text()


def test_ledgers_are_checked_and_compared(ledgers, tacit_command, tmp_path):
    lab, clinic = ledgers["lab"], ledgers["clinic"]
    good = tacit_command("ledger", "verify", lab, clinic)
    assert good.exit_code == 0
    assert "All 2 tell of the same reveals." in good.stdout
    lines = lab.read_bytes().splitlines(keepends=True)
    lab.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    bad = tacit_command("ledger", "verify", lab, clinic)
    assert bad.exit_code == 1
    assert "a line between lines 2 and 3 was left out" in bad.stdout
    assert "Reveal 2, 2 float32 to lab, clinic as operation" in bad.stdout
    told = tacit_command("ledger", "verify", lab, clinic, "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["ok"] is False
    assert json.loads(told.stdout)["files"][0]["findings"]
    assert tacit_command("ledger", "show", lab).exit_code == 1
    missing = tacit_command("ledger", "verify", tmp_path / "nothing.jsonl")
    assert missing.exit_code == 2
    assert "cannot read the ledger" in missing.stderr


def test_a_refusal_names_party_rule_and_line_and_exits_with_1(here, tmp_path, tacit_command):
    policy = tmp_path / "clinic.toml"
    policy.write_text(TOTAL)
    result = tacit_command(*here, "--policy", f"clinic={policy}", "--ledger", tmp_path)
    assert result.exit_code == 1
    assert "party 'clinic' failed" in result.stderr
    assert "'clinic' refused reveal 2, at job.py:5: 'default' of its policy does not allow it" in result.stderr
    (ledger,) = tmp_path.glob("clinic-*.jsonl")
    assert "refused" in tacit_command("ledger", "show", ledger).stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--policy", "POLICY"], "say whose policy it is"),
        (["--policy", "lab=POLICY", "--policy", "lab=POLICY"], "two were given"),
        (["--policy", "labb=POLICY"], "'labb', who is no party"),
        (["--policy", "lab=POLICY", "--protocol", "plaintext"], "where every party sees every value"),
        (["--ledger", "POLICY"], "--ledger FOLDER"),
    ],
)
def test_wrong_policies_and_folders_are_explained(here, tmp_path, tacit_command, options, says):
    policy = tmp_path / "policy.toml"
    policy.write_text(TOTAL)
    result = tacit_command(*here, *(option.replace("POLICY", str(policy)) for option in options))
    assert result.exit_code == 2
    assert says in re.sub(r"\s+", " ", result.stderr)


@pytest.mark.slow  # two processes that import PyTorch: the commands as two hosts use them
def test_each_party_of_a_cluster_has_its_own_policy_and_ledger(job_file, tmp_path, tacit_command):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        lab, clinic = (each.getsockname()[1] for each in sockets)
        (tmp_path / "cluster.toml").write_text(
            f'session = "test"\n[parties]\nlab = "127.0.0.1:{lab}"\nclinic = "127.0.0.1:{clinic}"\n'
            '[settings]\nrandomness = "insecure_local"\n'
        )
        (tmp_path / "policy.toml").write_text(TOTAL)
        command = [sys.executable, "-m", "tacit", "run", "job.py", "--config", "cluster.toml", "--party"]
        ends = {}
        running = {
            name: subprocess.Popen(
                [*command, name, *(["--policy", "policy.toml"] if name == "clinic" else [])],
                cwd=tmp_path,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in ("lab", "clinic")
        }
        for name, process in running.items():
            _, ends[name] = process.communicate(timeout=100)
            assert process.returncode == 1, ends[name]
    assert "'clinic' refused reveal 2, at job.py:5: 'default' of its policy" in ends["lab"]
    assert "one total" not in ends["lab"]
    assert "PolicyError" in ends["clinic"]
    paths = list((tmp_path / "ledgers").iterdir())
    assert len(paths) == 2
    assert tacit_command("ledger", "verify", *paths).exit_code == 0
