"""keys, plan, deal and run, as people type them."""

import pytest
from typer.testing import CliRunner

from tacit.cli.app import app

JOB = """import torch, tacit
def job():
    x, y = (tacit.secret(torch.ones({count}) if tacit.party().name == n else None, owner=n) for n in ("lab", "clinic"))
    return tacit.reveal(torch.relu(x * y)).sum().round().item()
"""


@pytest.fixture
def tacit_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.py").write_text(JOB.format(count=10))
    runner = CliRunner()

    def call(line):
        result = runner.invoke(app, line.split())
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


@pytest.fixture
def dealt(tacit_command):
    for name in ("lab", "clinic", "dealer"):
        assert tacit_command(f"keys {name}").exit_code == 0
    planned = tacit_command("plan job.py --parties lab,clinic")
    assert planned.exit_code == 0, planned.stderr
    done = tacit_command("deal job.plan --count 2 --out dealt")
    assert done.exit_code == 0, done.stderr
    return planned.stdout, done.stdout


def test_from_keys_to_the_last_run(tacit_command, dealt):
    planned, done = dealt
    assert planned.startswith("job.plan: ")
    assert "requests" in planned
    assert "dealt: 2 runs for lab, clinic" in done
    for _ in range(2):
        run = tacit_command("run job.py --parties lab,clinic --backend threads --material dealt --show")
        assert run.exit_code == 0, run.stderr
        assert "10.0" in run.stdout
    over = tacit_command("run job.py --parties lab,clinic --backend threads --material dealt")
    assert over.exit_code == 2
    assert "all 2 runs" in over.stderr
    assert "tacit deal job.plan --count 2" in over.stderr


def test_what_came_from_the_folder_is_reported_as_from_the_dealer(tacit_command, dealt):
    planned, _ = dealt
    amount = planned.split(", ")[1].removesuffix(" from the dealer for one run.\n")
    run = tacit_command("run job.py --parties lab,clinic --backend threads --material dealt")
    assert "from dealer" in run.stdout
    assert amount in run.stdout


def test_a_job_that_changed_since_the_plan(tacit_command, dealt, tmp_path):
    (tmp_path / "job.py").write_text(JOB.format(count=11))
    run = tacit_command("run job.py --parties lab,clinic --backend threads --material dealt")
    assert run.exit_code == 1
    assert "differs from its plan at request 1" in run.stderr


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("keys lab", "exists"),
        ("keys a/b", "cannot name a party"),
        ("plan nothing.py --parties lab,clinic", "no file nothing.py"),
        ("plan job.py --parties lab", "two parties"),
        ("plan job.py --parties lab,clinic --set fraction=3", "no setting"),
        ("plan job.py --parties lab,clinic --set protocol=plaintext", "nothing to plan"),
        ("plan job.py --parties lab,clinic -o nowhere/job.plan", "cannot write nowhere/job.plan"),
        ("deal nothing.plan --out new", "cannot read the plan nothing.plan"),
        ("deal job.py --out new", "is not a plan"),
        ("deal job.plan --out dealt", "not empty"),
        ("deal job.plan --out new --keys nowhere", "no key nowhere/dealer.key"),
        ("deal job.plan --out new --count 0", "--count"),
        ("run job.py --parties clinic,lab --material dealt", "in this order"),
        ("run job.py --parties lab,clinic --material nowhere", "not a folder that"),
        ("run job.py --parties lab,clinic --material dealt --keys nowhere", "no key nowhere/lab.key"),
        ("run job.py --parties lab,clinic --material dealt --randomness dealer", "belongs to randomness='directory'"),
        ("run job.py --parties lab,clinic --randomness directory", "say where it lies"),
        ("run job.py --config cluster.toml --party clinic --material dealt/lab", "dealt for 'lab'"),
        ("run job.py --config cluster.toml --party clinic", "say where it lies"),
        ("run job.py --config other.toml --party clinic --material dealt", "belongs to randomness='directory'"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(tacit_command, dealt, tmp_path, line, says):
    cluster = 'session = "a"\n[parties]\nlab = "127.0.0.1:7001"\nclinic = "127.0.0.1:7002"\n'
    (tmp_path / "cluster.toml").write_text(cluster + '[settings]\nrandomness = "directory"\n')
    (tmp_path / "other.toml").write_text('dealer = "127.0.0.1:7000"\n' + cluster)
    result = tacit_command(line)
    assert result.exit_code == 2
    assert says in result.stderr
