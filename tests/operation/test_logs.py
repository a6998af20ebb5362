"""A line for each record: JSON that a collector can read, or text for people."""

import io
import json
import logging
from contextlib import redirect_stderr

import pytest

from tacit.errors import LinkError
from tacit.operation import logs
from tacit.operation.events import session_digest
from tacit.operation.logs import LogSettings, written
from tacit.operation.observer import Observer
from tacit.profile import Ledger, Meter
from tacit.transport.transcript import Transcript


def lines(settings, speak):
    out = io.StringIO()
    with redirect_stderr(out), written(settings, "lab", "open sesame"):
        speak()
    return out.getvalue().splitlines()


def story():
    observer = Observer("lab", ["clinic"], "open sesame", 4.0, "job.py")
    observer.connected("clinic", ("192.0.2.2", 7002), True)
    ledger = Ledger()
    observer.begun(Meter(), Transcript(bytes(16)), ledger)
    ledger.record((2, 3), "torch.float32", "clinic", "job.py:7")
    logging.getLogger("tacit.transport.tls").warning("refused a connection\nfrom %s", "192.0.2.9")
    observer.failed(LinkError("the link to 'clinic' was lost.", "clinic"))


def test_every_record_is_one_json_object_with_time_node_and_the_digest_of_the_session():
    told = [json.loads(line) for line in lines(LogSettings("json", "debug"), story)]
    events = ["started", "peer connected", "session begun", "revealed", "note", "peer lost", "ended"]
    assert [record["event"] for record in told] == events
    for record in told:
        assert record["time"].endswith("Z")
        assert record["node"] == "lab"
        assert record["session"] == session_digest("open sesame")
    revealed, note, _, ended = told[3:]
    assert (revealed["shape"], revealed["to"], revealed["line"]) == ("2x3", ["clinic"], "job.py:7")
    assert note["message"] == "refused a connection\nfrom 192.0.2.9"
    assert (ended["level"], ended["kind"], ended["party"]) == ("error", "LinkError", "clinic")


def test_text_is_a_line_a_record_from_the_level_on():
    told = lines(LogSettings("text", "warning"), story)
    assert len(told) == 3
    assert told[0].endswith("warning lab: refused a connection from 192.0.2.9")
    assert told[1].endswith("peer lost peer=clinic reason=\"the link to 'clinic' was lost.\"")
    assert "open sesame" not in "".join(told)


def test_an_error_of_the_job_is_told_by_its_type_only():
    def fails():
        Observer("lab", ["clinic"], "s", 4.0).failed(ValueError("patient 7 has 3.25"))

    (*_, line) = lines(LogSettings("json", "debug"), fails)
    assert json.loads(line)["kind"] == "ValueError"
    assert "3.25" not in line


@pytest.mark.parametrize("length", [0.5, 2.0, 30.0, 100.0])
def test_a_long_wait_is_told_once_for_each_length(monkeypatch, length):
    def waits():
        observer = Observer("lab", ["clinic"], "s", 4.0)
        monkeypatch.setattr(observer, "begin", observer.begin - length)
        observer.notice_wait()
        observer.notice_wait()

    found = [json.loads(line)["level"] for line in lines(LogSettings("json", "debug"), waits)][1:]
    assert found == {0.5: [], 2.0: ["debug"], 30.0: ["info"], 100.0: ["warning"]}[length]


def test_nothing_stays_behind():
    logger = logging.getLogger("tacit")
    before = logger.handlers[:], logger.level, logger.propagate
    lines(LogSettings("json", "debug"), story)
    assert (logger.handlers, logger.level, logger.propagate) == before
    assert logs.current() is None
