"""``--json``: one object on standard output, whatever happens and whatever a job prints."""

import json

import pytest
from typer.testing import CliRunner

from tacit.cli.app import app
from tacit.cli.machine import plain

JOB = """import os, sys, tacit, torch
def job():
    print("a word of the job")
    os.write(1, b"and one past Python\\n")
    x = tacit.secret(torch.tensor([1.5, -2.0]) if tacit.party().name == "lab" else None, owner="lab")
    return {"y": tacit.reveal(x.relu(), to="clinic"), 3: float("nan")}
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TACIT_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "job.py").write_text(JOB)

    def call(*words, status=0):
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    return call


RUN = ("run", "job.py", "--parties", "lab,clinic", "--backend", "threads")


def test_a_run_tells_outcome_ledger_and_costs(call, capfd):
    told = call(*RUN, "--show")
    assert "past Python" not in capfd.readouterr().out
    clinic = told["parties"]["clinic"]
    assert clinic["value"] == {"y": [1.5, 0.0], "3": "nan"}
    assert told["parties"]["lab"]["value"]["y"] is None
    assert clinic["revealed"] == [{"shape": [2], "dtype": "float32", "to": ["clinic"], "line": "job.py:6", "label": ""}]
    assert sum(cost["rounds"] for cost in clinic["costs"]) == clinic["rounds"] > 0
    assert {"module", "op", "primitive", "calls", "bytes_sent"} <= clinic["costs"][0].keys()


def test_without_show_no_value_is_told(call):
    assert call(*RUN)["parties"]["clinic"]["value"] is None


@pytest.mark.parametrize(
    ("words", "status", "kind", "party"),
    [
        (("run", "nothing.py", "--parties", "lab,clinic"), 2, "misuse", None),
        (("run", "fails.py", "--parties", "lab,clinic", "--backend", "threads"), 1, "party", "clinic"),
        (("dealer", "--config", "nothing.toml"), 2, "misuse", None),
        (("run", "job.py", "--parties", "lab,clinic", "--metrics", "9000"), 2, "misuse", None),
        (("status", "nobody-of-that-name"), 2, "misuse", None),
        (("certs", "renew", "nobody"), 2, "misuse", None),
    ],
)
def test_an_error_is_an_object_too(call, tmp_path, words, status, kind, party):
    (tmp_path / "fails.py").write_text(
        "import tacit\ndef job():\n    if tacit.party().rank: raise ValueError('no beds')\n"
    )
    error = call(*words, status=status)["error"]
    assert (error["kind"], error["party"], error["exit_status"]) == (kind, party, status)
    assert error["message"]


def test_what_is_made_is_told(call):
    keys = [call("keys", name) for name in ("dealer", "lab", "clinic")]
    assert keys[1] == {"name": "lab", "key": "keys/lab.key", "public_key": "keys/lab.pub"}
    planned = call("plan", "job.py", "--parties", "lab,clinic")
    assert (planned["file"], planned["parties"]) == ("job.plan", ["lab", "clinic"])
    dealt = call("deal", "job.plan", "--out", "dealt", "--count", "2")
    assert (dealt["runs"], dealt["bytes_a_run"]) == (2, planned["bytes_a_run"])
    made = call("certs", "init", "lab")
    (shown,) = call("certs", "show")
    assert made["fingerprint"] == shown["fingerprint"]


def test_values_become_what_json_has():
    assert plain({1: (True, 2**70, float("inf"), object)}) == {"1": [True, 2**70, "inf", str(object)]}
