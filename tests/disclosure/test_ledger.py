"""The ledger on disk: there before anything is sent, found out when it was changed, and in one piece after a kill."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tacit
from tacit.disclosure.chain import sealed, unsealed
from tacit.disclosure.compare import compare
from tacit.disclosure.disclosure import Disclosure
from tacit.disclosure.ledger_file import LedgerFile
from tacit.disclosure.verify import read_ledger
from tacit.errors import LedgerError, MisuseError, PartyFailedError
from tacit.runtime.session import current

SETTINGS = tacit.Settings(randomness="insecure_local")
NAMES = ["lab", "clinic", "bank"]
WRITER = """import sys
from pathlib import Path
from tacit.disclosure.disclosure import Disclosure
from tacit.disclosure.ledger_file import LedgerFile
file = LedgerFile(Path(sys.argv[1]), "5e55" * 8, ("lab", "clinic"), "lab", None)
number = 0
while True:
    number += 1
    file.revealing(Disclosure(number, number, "", (3,) * 200, "float32", ("lab",), "job.py", 3, "job"))
    print(number, flush=True)
"""


def disclosure(number, label="mean", shape=(2, 3), to=("lab", "clinic")):
    return Disclosure(number, 2 * number, label, shape, "float32", to, "/home/me/job.py", 12, "job")


def begun(folder, party="lab", reveals=4, change=None, session="5e55" * 8):
    """A ledger that has no end yet. change: what it tells otherwise of a reveal, by its number."""
    file = LedgerFile(folder, session, ("lab", "clinic"), party, None)
    for number in range(1, reveals + 1):
        file.revealing(disclosure(number, **(change or {}).get(number, {})))
    return file


def ended(*files, how=("clean", "clean")):
    """The ledgers of a session, read, after they ended; an end of "" is none."""
    heads = {file.path.name.split("-")[0]: file.head for file in files}
    for file, each in zip(files, how, strict=False):
        if each:
            file.end(each, heads if each == "clean" else None)
    return [read_ledger(file.path) for file in files]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    (ledger,) = ended(begun(tmp_path_factory.mktemp("ledger")))
    assert ledger.findings == []
    return ledger.path.read_bytes()


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """What is found in a file of some bytes."""
    path = tmp_path_factory.mktemp("changed") / "ledger.jsonl"

    def found(data):
        path.write_bytes(data)
        return read_ledger(path).findings

    return found


@given(st.data())
def test_any_change_of_a_byte_is_found(original, changed, data):
    at = data.draw(st.integers(0, len(original) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != original[at]))
    line = original.count(b"\n", 0, at) + 1
    findings = changed(original[:at] + bytes([byte]) + original[at + 1 :])
    assert f"line {line} was changed" in findings[0] or original[at : at + 1] == b"\n"
    longer, shorter = original[:at] + bytes([byte]) + original[at:], original[:at] + original[at + 1 :]
    assert changed(longer if data.draw(st.booleans()) else shorter)


@given(st.integers(0, 2000))
def test_a_ledger_cut_off_anywhere_is_found(original, changed, at):
    (finding,) = changed(original[: at % len(original)])
    assert any(word in finding for word in ("torn", "no end", "empty"))


@given(st.data())
def test_lines_left_out_moved_or_added_are_found_and_named(original, changed, data):
    lines = original.splitlines(keepends=True)
    i = data.draw(st.integers(0, len(lines) - 1))
    j = data.draw(st.integers(0, len(lines) - 1).filter(lambda j: j != i))
    named = changed(b"".join(lines[:i] + lines[i + 1 :]))[0]
    assert ("no end" if i + 1 == len(lines) else "left out") in named
    assert f"line {i + 1}" in named or f"lines {i} and {i + 1}" in named or "no end" in named
    swapped = list(lines)
    swapped[i], swapped[j] = swapped[j], swapped[i]
    assert changed(b"".join(swapped))
    repeated = changed(b"".join([*lines[: i + 1], lines[i], *lines[i + 1 :]]))[0]
    assert f"line {i + 2} was added: it repeats line {i + 1}" in repeated
    if i + 1 < len(lines):
        content = unsealed(lines[i][:-1])
        forged, _ = sealed({**unsealed(lines[2][:-1]), "n": i, "label": "forged"}, content["hash"])
        assert f"line {i + 2}" in changed(b"".join([*lines[: i + 1], forged, *lines[i + 1 :]]))[0]
    assert changed(original + lines[i])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n": 7}, "it is numbered 7, and 1 is due"),
        ({"n": "1"}, "none of a ledger"),
        ({"value": 3}, "none of a ledger"),
        ({"label": "\x1b[2J"}, "none of a ledger"),
        ({"kind": "header"}, "none of a ledger"),
        ({"kind": "nonsense"}, "none of a ledger"),
        ({"kind": ["reveal"]}, "none of a ledger"),
    ],
)
def test_a_chain_that_was_written_anew_must_still_be_a_ledger(original, changed, change, says):
    header, reveal, *_ = original.splitlines()
    line, _ = sealed({**unsealed(reveal), **change}, unsealed(header)["hash"])
    assert says in changed(header + b"\n" + line)[0]


@pytest.mark.parametrize("data", [b"[]\n", b"{}\n", b"\n", b"\xff\n", b"[" * 100_000 + b"\n", b'{"hash":NaN}\n'])
def test_nonsense_is_found_and_crashes_nothing(changed, data):
    assert "line 1 was changed" in changed(data)[0]


def test_ledgers_of_one_session_tell_the_same(tmp_path):
    assert compare(ended(begun(tmp_path), begun(tmp_path, "clinic"))) == []


@pytest.mark.parametrize(
    ("other", "how", "says"),
    [
        ({"change": {3: {"shape": (2, 4)}}}, "clean", "reveal 3 is 2x3 float32 'mean' .* at 'lab', and 2x4 float32 "),
        ({"change": {2: {"to": ("lab",)}}}, "clean", "reveal 2 is .* to lab, clinic .* to lab as"),
        ({"change": {1: {"label": ""}}}, "clean", "reveal 1 is "),
        ({"reveals": 3}, "clean", "reveal 4, .* is in the ledger of 'lab' and not in that of 'clinic'"),
        ({"reveals": 3}, "failed", "reveal 4, .*'clinic'\n.*ended well for 'lab', and in .* of 'clinic' it failed"),
        ({}, "", "ended well for 'lab', and in the ledger of 'clinic' it has no end"),
        ({"session": "0bad" * 8}, "clean", "are of different sessions"),
        ({"party": "lab"}, "clean", "are both ledgers of 'lab'"),
    ],
)
def test_the_first_difference_is_named(tmp_path, other, how, says):
    (tmp_path / "other").mkdir()
    ledgers = ended(begun(tmp_path), begun(tmp_path / "other", **{"party": "clinic", **other}), how=("clean", how))
    assert re.fullmatch(f".*{says}.*", "\n".join(compare(ledgers)))


def test_where_a_session_failed_one_may_be_further_than_the_other(tmp_path):
    assert compare(ended(begun(tmp_path), begun(tmp_path, "clinic", 3), how=("failed", "failed"))) == []


def test_a_ledger_that_is_written_anew_is_found_by_what_the_others_were_told(tmp_path):
    (tmp_path / "anew").mkdir()
    lab, clinic = begun(tmp_path), begun(tmp_path, "clinic")
    _, told = ended(lab, clinic)
    time.sleep(0.002)  # another time is another hash, though every word is the same
    anew = begun(tmp_path / "anew")
    anew.end("clean", {"clinic": told.head})
    rewritten = read_ledger(anew.path)
    assert rewritten.findings == []
    (finding,) = compare([rewritten, told])
    assert finding == "the ledger of 'lab' is not the one that it told 'clinic' of when the session ended"


def job():
    x = tacit.secret(torch.ones(3, 4) if tacit.party().name == "lab" else None, owner="lab")
    tacit.reveal(x.sum(), label="total")  # all wait for all, so all have opened their sessions
    return tacit.reveal(x * x, to="clinic")


@pytest.mark.parametrize(
    "backend",
    ["threads", pytest.param("processes", marks=pytest.mark.slow)],  # over TCP, with its goodbyes
)
def test_a_session_leaves_ledgers_that_agree_and_know_each_other(tmp_path, backend):
    tacit.run(job, NAMES, backend=backend, settings=SETTINGS, ledger=tmp_path / "ledgers")
    paths = sorted((tmp_path / "ledgers").iterdir())
    ledgers = [read_ledger(path) for path in paths]
    assert [path.name.split("-")[0] for path in paths] == sorted(NAMES)
    assert [ledger.findings for ledger in ledgers] == [[], [], []]
    assert compare(ledgers) == []
    heads = {ledger.header.party: ledger.head for ledger in ledgers}
    for ledger in ledgers:
        assert ledger.footer.heads == {name: head for name, head in heads.items() if name != ledger.header.party}
        assert [(e.label, e.shape, e.to) for e in ledger.entries] == [("total", [], NAMES), ("", [3, 4], ["clinic"])]
        assert all(path.stat().st_mode & 0o077 == 0 for path in paths)


def test_a_refused_reveal_stands_in_the_ledgers_and_they_fit_together(tmp_path):
    policies = {"lab": {"default": "deny", "rules": [{"label": "total"}]}}
    with pytest.raises(PartyFailedError):
        tacit.run(job, NAMES, settings=SETTINGS, policies=policies, ledger=tmp_path)
    ledgers = {ledger.header.party: ledger for ledger in map(read_ledger, tmp_path.iterdir())}
    assert [ledger.findings for ledger in ledgers.values()] == [[], [], []]
    assert {ledger.footer.ended for ledger in ledgers.values()} == {"failed"}
    assert compare(list(ledgers.values())) == []
    assert ledgers["lab"].entries[-1].rule == "default"
    assert len(ledgers["lab"].header.policy) == 64
    assert ledgers["clinic"].header.policy is None


def test_a_reveal_is_on_the_disk_before_anything_of_it_is_sent(tmp_path, monkeypatch):
    order = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("on the disk"), fsync(fd)))

    def sends():
        x = tacit.secret(torch.ones(3) if tacit.party().rank == 0 else None, owner="lab")
        y = x * tacit.secret(torch.ones(3) if tacit.party().rank == 1 else None, owner="clinic")
        if tacit.party().name == "clinic":
            order.append("reveal")
            current().channel.watch.append(lambda *_: order.append("message"))
        tacit.reveal(y, to="lab")

    tacit.run(sends, ["lab", "clinic"], settings=SETTINGS, ledger=tmp_path)
    after = order[order.index("reveal") :]
    assert after.index("on the disk") < after.index("message")


def test_what_cannot_be_written_down_is_not_revealed(tmp_path, monkeypatch):
    write = os.write
    full = []

    def job():
        x = tacit.secret(torch.ones(3) if tacit.party().rank == 0 else None, owner="lab")
        if tacit.party().name == "lab":
            full.append(True)
            current().channel.watch.append(lambda *_: pytest.fail("it sends"))
        return tacit.reveal(x)

    def no_space(descriptor, data):
        if full and b'"reveal"' in bytes(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", no_space)
    with pytest.raises(PartyFailedError, match=r"No space left on device\. What is not written down is not"):
        tacit.run(job, ["lab", "clinic"], settings=SETTINGS, ledger=tmp_path)


def test_nothing_comes_after_a_line_whose_writing_was_interrupted(tmp_path, monkeypatch):
    file = begun(tmp_path)

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        file.revealing(disclosure(5))
    monkeypatch.undo()
    file.end("failed")
    with pytest.raises(LedgerError, match="is closed"):
        file.revealing(disclosure(6))
    ledger = read_ledger(file.path)
    assert [entry.n for entry in ledger.entries] == [1, 2, 3, 4, 5]
    assert ledger.findings == ["it has no end: the process was killed, it still runs, or the last lines were left out"]


def test_a_folder_where_nothing_can_be_written_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MisuseError, match="--ledger FOLDER"):
        tacit.run(job, NAMES, settings=SETTINGS, ledger=tmp_path / "file" / "ledgers")
    with pytest.raises(LedgerError, match="cannot write the ledger"):
        LedgerFile(tmp_path / "nowhere", "5e55", ("lab", "clinic"), "lab", None)


@pytest.mark.parametrize("reveals", [1, 20])
def test_a_ledger_survives_a_kill(tmp_path, reveals):
    with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        for _ in range(reveals):
            said = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    (path,) = Path(tmp_path).iterdir()
    ledger = read_ledger(path)
    (finding,) = ledger.findings
    assert "no end" in finding or "torn" in finding
    assert len(ledger.entries) >= int(said) == reveals
