import os
import signal
import time

import pytest

pytestmark = pytest.mark.slow  # three processes that import PyTorch, each time: the commands as people use them

JOB = "import tacit\ndef job():\n    print(f'here is {tacit.party().name}')\n    return tacit.party().rank\n"


@pytest.fixture
def job_file(tmp_path):
    path = tmp_path / "job.py"
    path.write_text(JOB)
    return path


def test_all_parties_as_processes(job_file, start):
    run = start("run", job_file, "--parties", "lab,clinic", "--show")
    out, err = run.communicate(timeout=100)
    assert run.returncode == 0, err
    assert "here is lab" in out
    assert "clinic returned\n1" in out


def test_a_dealer_and_two_parties_find_each_other(job_file, cluster, start):
    dealer = start("dealer", "--config", cluster)
    parties = [start("run", job_file, "--config", cluster, "--party", name, "--show") for name in ("lab", "clinic")]
    for rank, (party, name) in enumerate(zip(parties, ("lab", "clinic"), strict=True)):
        out, err = party.communicate(timeout=100)
        assert party.returncode == 0, err
        assert f"{name} returned\n{rank}" in out
    out, err = dealer.communicate(timeout=100)
    assert dealer.returncode == 0, err
    assert "Dealt to lab, clinic" in out


def test_a_job_that_fails_at_one_party_is_told_at_all(job_file, cluster, start):
    job_file.write_text(
        "import tacit\ndef job():\n    if tacit.party().name == 'lab':\n        raise ValueError('no beds')\n"
    )
    dealer = start("dealer", "--config", cluster)
    lab, clinic = (start("run", job_file, "--config", cluster, "--party", name) for name in ("lab", "clinic"))
    _, err = lab.communicate(timeout=100)
    assert lab.returncode == 1
    assert "party 'lab' failed: ValueError: no beds" in err
    assert "node.py" not in err
    for other in (clinic, dealer):
        _, err = other.communicate(timeout=100)
        assert other.returncode == 1
        assert "'lab' stopped with an error" in err
        assert "Traceback" not in err


def test_ctrl_c_ends_all_processes_at_once(job_file, tmp_path, start):
    job_file.write_text(
        "import os, pathlib, tacit, time\ndef job():\n"
        f"    pathlib.Path({str(tmp_path)!r}, tacit.party().name + '.pid').write_text(str(os.getpid()))\n"
        "    time.sleep(60)\n"
    )
    run = start("run", job_file, "--parties", "lab,clinic")
    pid_files = [tmp_path / "lab.pid", tmp_path / "clinic.pid"]
    deadline = time.monotonic() + 60
    while not all(path.exists() and path.read_text() for path in pid_files):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    begin = time.monotonic()
    _, err = run.communicate(timeout=10)
    assert time.monotonic() - begin < 2.5
    assert run.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    for path in pid_files:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)
