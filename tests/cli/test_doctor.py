"""``tacit doctor``: what it prints, for people and for programs, and how it ends."""

import json
import re
import socket
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from tacit.cli.app import app

FILE = 'session = "s"\ndealer = "127.0.0.1:{}"\n[parties]\nlab = "127.0.0.1:{}"\nclinic = ""\n'


@pytest.fixture
def config(tmp_path):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    path = tmp_path / "cluster.toml"
    path.write_text(FILE.format(*(one.getsockname()[1] for one in held)))
    for one in held:
        one.close()
    return path


def doctor(config, *words):
    return CliRunner().invoke(app, ["doctor", "--config", str(config), *words])


def test_peers_that_never_come_are_named_in_time_and_it_ends_with_1(config):
    start = time.monotonic()
    result = doctor(config, "--as", "clinic", "--wait", "0.5")
    assert time.monotonic() - start < 5
    assert result.exit_code == 1
    assert "Not there: lab, dealer." in result.stdout
    assert "2 things to mend." in result.stdout
    text = re.sub(r"[\s│]+", " ", result.stdout)
    assert "refuses connections" in text
    assert "tacit doctor has to run there at the same time" in text


@pytest.mark.slow  # the command as it is: three processes, and beats for two seconds
def test_three_processes_that_find_all_well_without_pytorch(config):
    code = (
        "import sys\nfrom tacit.cli import main\ntry:\n    main()\n"
        "finally:\n    assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    words = ["doctor", "--config", str(config), "--wait", "40", "--json", "--as"]
    started = {
        name: subprocess.Popen(
            [sys.executable, "-c", code, *words, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name in ("lab", "clinic", "dealer")
    }
    for name, process in started.items():
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (out, err)
        said = json.loads(out)
        assert (said["as"], said["ok"], said["missing"]) == (name, True, [])
        assert {link["peer"] for link in said["links"]} == set(started) - {name}
        assert {"level", "check", "node", "text", "advice"} == set(said["findings"][0])
        assert not err


def test_a_wrong_command(config):
    result = doctor(config, "--as", "bank")
    assert result.exit_code == 2
    assert "its nodes are lab, clinic, dealer" in result.stderr
    config.write_text("sesion = 's'")
    result = doctor(config, "--as", "lab")
    assert result.exit_code == 2
    assert "did you mean session?" in result.stderr


def test_a_job_whose_nodes_do_not_meet_points_to_it(config, tmp_path):
    config.write_text(config.read_text() + "[settings]\nconnect_timeout = 0.3\n")
    job = tmp_path / "job.py"
    job.write_text("def job():\n    pass\n")
    for name, words in (("lab", ["run", str(job), "--party", "lab"]), ("dealer", ["dealer"])):
        result = CliRunner().invoke(app, [*words, "--config", str(config)])
        assert result.exit_code == 1
        assert f"`tacit doctor --config {config} --as {name}`, at every host" in result.stderr
