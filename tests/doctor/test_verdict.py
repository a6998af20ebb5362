"""What measurements and reports mean: which are well, which are to know, which must be mended."""

import pytest

from tacit.doctor import verdict
from tacit.doctor.messages import Report, Result
from tacit.doctor.visit import Visit
from tacit.settings import Settings

MINE = Report(tacit="0.1.0", protocol=1, torch="2.13.0", certificate_days=300, settings={"frac_bits": "16"})


def told(report=MINE, calling=True, order="lab, clinic", **changes):
    visit = Visit("clinic", calling, came=True, order=order, report=report, result=Result(2_000_000, 10, 20, 0))
    for name, value in changes.items():
        setattr(visit, name, value)
    found = verdict.on_visit("lab", visit, MINE, Settings(), "lab, clinic")
    return {one.check: (str(one.level), one.text, one.advice) for one in found}


def test_both_ends_see_the_same_from_their_side():
    calling, called = (
        verdict.link(Visit("clinic", side, result=Result(1_000, 10, 20, -3_000_000_000))) for side in (True, False)
    )
    assert (calling.sending, calling.receiving, calling.clock) == (10, 20, -3)
    assert (called.sending, called.receiving, called.clock) == (20, 10, 3)
    assert calling.latency == called.latency == 1e-6


@pytest.mark.parametrize(
    ("seconds", "level", "says"),
    [(0.01, "ok", "by 10.0 ms, give or take 1.0 ms"), (5, "note", "5.0 s ahead of"), (-400, "mend", "400.0 s behind")],
)
def test_clocks(seconds, level, says):
    found = told(result=Result(2_000_000, 10, 20, int(seconds * 1e9)))["clock"]
    assert found[0] == level
    assert says in found[1]


@pytest.mark.parametrize(("gap", "level"), [(0.3, "ok"), (2.5, "note"), (4.5, "mend")])
def test_heartbeats_are_held_against_the_time_out(gap, level):
    assert told(gap=gap)["heartbeats"][0] == level


def test_a_link_that_breaks():
    assert told(lost="the connection broke")["heartbeats"][:2] == ("note", "after that, the connection broke")
    level, text, _ = told(result=None, lost="the connection broke")["link"]
    assert level == "mend"
    assert "could not be measured: the connection broke" in text


@pytest.mark.parametrize(
    ("changes", "check", "level", "says"),
    [
        ({}, "versions", "ok", "the same as 'lab'"),
        (
            {"tacit": "0.2.0", "protocol": 2},
            "versions",
            "mend",
            "tacit 0.2.0 there, 0.1.0 here; protocol 2 there, 1 here",
        ),
        ({"torch": ""}, "versions", "mend", "no PyTorch"),
        ({"certificate_days": 5}, "certificate", "note", "it expires in 5 days"),
        ({"certificate_days": -1}, "certificate", "mend", "it expired less than a day ago"),
        ({"settings": {"frac_bits": "16", "new": "1"}}, "cluster file", "mend", "new is 1 there, missing here"),
    ],
)
def test_reports(changes, check, level, says):
    found = told(MINE.model_copy(update=changes))[check]
    assert found[0] == level
    assert says in found[1]


def test_cluster_files_that_differ():
    assert "another session" in told(same_session=False)["cluster file"][1]
    assert "lists the nodes as clinic, lab" in told(order="clinic, lab")["cluster file"][1]


def test_rates():
    assert [verdict.rate(size) for size in (12, 1234, 1.25e6, 2.5e9)] == ["12 B/s", "1.2 KB/s", "1.2 MB/s", "2.5 GB/s"]
