"""The measuring protocol's parser: whole messages or a FrameError, and never more memory than one message takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.doctor.messages import (
    FILL_BYTES,
    HEADER,
    MAX_FILLS,
    Kind,
    Parser,
    Report,
    Result,
    pack,
    pack_ask,
    pack_pong,
    pack_report,
    pack_result,
    unpack_ask,
    unpack_pong,
    unpack_report,
    unpack_result,
)
from tacit.errors import FrameError

REPORT = Report(tacit="0.1", protocol=1, torch="2.13.0", certificate_days=7, settings={"frac_bits": "16"})
GOOD = [
    pack(Kind.BEAT),
    pack(Kind.PING),
    pack_ask(MAX_FILLS),
    pack_pong(-5),
    pack_report(REPORT),
    pack_result(Result(1, 2, 3, -4)),
]


@given(st.lists(st.binary(max_size=40) | st.sampled_from(GOOD), max_size=8), st.integers(1, 50))
def test_any_bytes_are_messages_or_a_frame_error(parts, step):
    data, parser = b"".join(parts), Parser("clinic")
    taken = 0
    try:
        for begin in range(0, len(data), step):
            for kind, payload in parser.feed(data[begin : begin + step]):
                assert data[taken : taken + HEADER.size] == HEADER.pack(kind, len(payload))
                assert data[taken + HEADER.size :].startswith(payload)
                taken += HEADER.size + len(payload)
    except FrameError as error:
        assert error.party == "clinic"  # noqa: PT017


@given(st.integers(0, 255), st.integers(0, (1 << 32) - 1))
def test_a_length_is_refused_before_anything_of_it_is_there(number, size):
    """What is not refused waits for at most one FILL."""
    try:
        assert not [message for message in Parser("clinic").feed(HEADER.pack(number, size)) if message[1]]
    except FrameError:
        return
    assert size <= FILL_BYTES


def test_messages_come_back():
    parser = Parser("clinic")
    messages = [message for byte in b"".join(GOOD) for message in parser.feed(bytes([byte]))]
    assert [kind for kind, _ in messages] == [Kind.BEAT, Kind.PING, Kind.ASK, Kind.PONG, Kind.REPORT, Kind.RESULT]
    _, _, ask, pong, report, result = (payload for _, payload in messages)
    assert unpack_ask(ask, "clinic") == MAX_FILLS
    assert unpack_pong(pong) == -5
    assert unpack_report(report, "clinic") == REPORT
    assert unpack_result(result) == Result(1, 2, 3, -4)
    with pytest.raises(FrameError, match="limit"):
        unpack_ask(pack_ask(MAX_FILLS + 1)[HEADER.size :], "clinic")


@pytest.mark.parametrize(
    "change",
    [
        {"tacit": "\x1b[2J"},
        {"tacit": "1" * 201},
        {"tacit": 1},
        {"protocol": -1},
        {"protocol": "1"},
        {"certificate_days": 1e300},
        {"settings": {"x\n": "1"}},
        {"settings": {str(number): "" for number in range(65)}},
        {"settings": []},
    ],
)
def test_reports_that_are_none(change):
    with pytest.raises(FrameError, match="unreadable"):
        unpack_report(json.dumps(REPORT.model_dump() | change).encode(), "clinic")


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists).map(json.dumps)
)
def test_any_report_is_one_or_a_frame_error(data):
    try:
        unpack_report(data if isinstance(data, bytes) else data.encode(), "clinic")
    except FrameError as error:
        assert error.party == "clinic"  # noqa: PT017


def test_a_newer_version_may_say_more():
    assert unpack_report(json.dumps(REPORT.model_dump() | {"more": 1}).encode(), "clinic") == REPORT
