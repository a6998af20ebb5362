import re

import pytest
import torch
from typer.testing import CliRunner

from tacit import __version__
from tacit.cli.app import app
from tacit.cli.outcome import kind_of


@pytest.fixture
def tacit_command():
    runner = CliRunner()

    def call(*arguments):
        result = runner.invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.stderr or result.exit_code == 1
        return result

    return call


@pytest.fixture
def job_file(tmp_path):
    path = tmp_path / "job.py"
    path.write_text("import tacit\ndef job():\n    return [4321, tacit.party().name]\n")
    return path


def test_version_and_help(tacit_command):
    assert tacit_command("--version").stdout.strip() == f"tacit {__version__}"
    overview = tacit_command("--help")
    assert overview.exit_code == 0
    for command in ("demo", "run", "dealer"):
        assert command in overview.stdout
        assert tacit_command(command, "--help").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frobnicate"], "frobnicate"),
        (["run"], "JOB.py"),
        (["run", "nothing.py", "--parties", "lab,clinic"], "no file nothing.py"),
        (["run", "JOB"], "say who takes part"),
        (["run", "JOB", "--party", "lab"], "say who takes part"),
        (["run", "JOB", "--parties", "lab,clinic", "--party", "lab"], "say who takes part"),
        (["run", "JOB", "--parties", "lab"], "two parties"),
        (["run", "JOB", "--parties", "lab,lab"], "twice"),
        (["run", "JOB", "--parties", "lab,dealer"], "dealer's name"),
        (["run", "JOB", "--parties", "lab, the clinic"], "cannot name a party"),
        (["run", "JOB", "--parties", "lab,clinic", "--protocol", "magic"], "not known"),
        (["run", "JOB", "--parties", "lab,clinic", "--randomness", "ot"], "not built"),
        (["run", "JOB", "--parties", "lab,clinic", "--set", "fraction=3"], "no setting"),
        (["run", "JOB", "--parties", "lab,clinic", "--backend", "pigeons"], "pigeons"),
        (["run", "JOB", "--config", "nothing.toml", "--party", "lab"], "no file nothing.toml"),
        (["dealer"], "--config"),
        (["dealer", "--config", "nothing.toml"], "no file nothing.toml"),
    ],
)
def test_a_wrong_command_is_explained_and_exits_with_2(tacit_command, job_file, arguments, says):
    result = tacit_command(*(job_file if argument == "JOB" else argument for argument in arguments))
    assert result.exit_code == 2
    assert says in re.sub(r"\x1b\[[0-9;]*m", "", result.stderr)
    assert result.stdout == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device")
def test_a_device_that_is_not_there_is_refused_before_anything_starts(tacit_command, job_file, tmp_path):
    config = tmp_path / "cluster.toml"
    nodes = 'dealer = "127.0.0.1:7003"\n[parties]\nlab = "127.0.0.1:7001"\nclinic = "127.0.0.1:7002"\n'
    config.write_text(f'session = "s"\n{nodes}')
    for arguments in (
        ("run", job_file, "--parties", "lab,clinic"),
        ("run", job_file, "--config", config, "--party", "lab"),
        ("dealer", "--config", config),
    ):
        result = tacit_command(*arguments, "--device", "cuda")
        assert result.exit_code == 2
        assert "device='cuda'" in result.stderr


def test_an_unknown_party_and_an_address_elsewhere(tacit_command, job_file, tmp_path):
    config = tmp_path / "cluster.toml"
    nodes = 'dealer = "127.0.0.1:7000"\n[parties]\nlab = "127.0.0.1:7001"\nclinic = "127.0.0.1:7002"\n'
    config.write_text(f'session = "s"\n{nodes}')
    result = tacit_command("run", job_file, "--config", config, "--party", "labb")
    assert result.exit_code == 2
    assert "its parties are lab, clinic" in result.stderr
    assert tacit_command("run", job_file, "--config", config, "--party", "lab", "--set", "frac_bits=8").exit_code == 2
    config.write_text(config.read_text().replace("127.0.0.1:7002", "192.0.2.7:7002"))
    result = tacit_command("run", job_file, "--config", config, "--party", "lab")
    assert result.exit_code == 2
    assert "without certificates everything stays on one machine" in result.stderr


def test_results_are_told_by_kind_and_shown_on_request(tacit_command, job_file):
    command = ("run", job_file, "--parties", "lab,clinic", "--backend", "threads")
    quiet = tacit_command(*command)
    assert quiet.exit_code == 0
    assert "list of 2 items" in quiet.stdout
    assert "4321" not in quiet.stdout
    assert "Nothing was revealed" in quiet.stdout
    shown = tacit_command(*command, "--show", "--costs")
    assert "[4321, 'clinic']" in shown.stdout
    assert "Cost by op at lab" in shown.stdout


def test_a_job_that_fails_names_party_and_line_and_exits_with_1(tacit_command, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import tacit\ndef job():\n    if tacit.party().rank:\n        raise ValueError('no beds')\n")
    result = tacit_command("run", path, "--parties", "lab,clinic", "--backend", "threads")
    assert result.exit_code == 1
    assert "party 'clinic' failed: ValueError: no beds" in result.stderr
    assert 'broken.py", line 4' in result.stderr


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "nothing"),
        (torch.ones(2, 3), "tensor 2x3 float32"),
        (torch.tensor(True), "tensor of one number bool"),
        ([1], "list of 1 item"),
        ({"a": 1, "b": 2}, "dict of 2 entries"),
        (3.5, "float"),
    ],
)
def test_kinds(value, kind):
    assert kind_of(value) == kind
