"""The socket of a node: who may ask, what is stale, and that who asks holds nothing up."""

import os
import socket
import stat
import subprocess
import sys

import pytest

from tacit.errors import MisuseError
from tacit.operation import status
from tacit.operation.observer import Observer
from tacit.operation.status import ask, bound
from tacit.operation.watching import watched


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(status, "folders", lambda: [tmp_path / "tacit"])
    return tmp_path / "tacit"


def observer(name="lab"):
    return Observer(name, ["clinic", "dealer"], "s", 4.0, "job.py")


def test_all_nodes_answer_and_are_gone_afterwards(place):
    with watched(observer()), watched(observer("dealer")):
        assert [(one["node"], one["state"]) for one in ask()] == [("dealer", "connecting"), ("lab", "connecting")]
        (lab,) = ask("lab")
        assert lab["waiting"]["for"] == ["clinic", "dealer"]
        for path in place.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ask() == []
    assert not list(place.iterdir())


def test_who_connects_and_does_not_read_keeps_nobody_from_the_answer(place):
    with watched(observer()):
        (path,) = place.iterdir()
        idle = [socket.socket(socket.AF_UNIX) for _ in range(5)]
        for each in idle:
            each.connect(str(path))
        assert ask("lab")[0]["node"] == "lab"
        for each in idle:
            each.close()


def test_what_a_killed_node_left_is_removed(place):
    code = """
import os, sys, pathlib
from tacit.operation import status
status.folders = lambda: [pathlib.Path(sys.argv[1])]
with status.bound("lab"):
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code, str(place)], check=False).returncode == 9
    assert len(list(place.iterdir())) == 1
    assert ask() == []
    assert not list(place.iterdir())


def test_a_node_that_is_too_busy_to_answer_is_named(place, monkeypatch):
    monkeypatch.setattr(status, "ANSWER_SECONDS", 0.1)
    with bound("lab"):  # nobody accepts
        assert ask() == [{"node": "lab", "pid": os.getpid(), "state": "silent", "process": "busy"}]


def test_a_folder_that_others_can_write_to_is_used_for_nothing(place, caplog):
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(MisuseError, match="open to nobody else"), bound("lab"):
        pass
    with watched(observer()):  # the session goes on without it
        assert "will not show this node" in caplog.text
        assert ask() == []


def test_the_folder_of_the_user_comes_first(monkeypatch, tmp_path):
    monkeypatch.delenv("TACIT_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    first, *others = status.folders()
    assert first == tmp_path / "tacit"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert status.folders() == others
    monkeypatch.setenv("TACIT_RUNTIME_DIR", str(tmp_path))
    assert status.folders() == [tmp_path]
