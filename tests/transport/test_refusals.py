"""What an abort frame says of a refused reveal: only what has the form of it is shown."""

import pytest

from tacit.errors import PolicyError, Refusal, RevealRefusedError
from tacit.transport.control import pack_failure, pack_message, unpack_failure
from tacit.transport.failure import Category, Failure, blame, refusal_of


def told(refusal, reason="policy"):
    payload = pack_message(culprit="lab", reason=reason, reporter="lab", refusal=refusal)
    return unpack_failure(payload, "lab", ("lab", "clinic")).error("clinic")


def test_a_refusal_travels():
    error = PolicyError("why, with all the limits", Refusal("logits", 3, "job.py:12"))
    sent = Failure(*blame(error, "lab"), "lab", refusal=refusal_of(error))
    payload = pack_failure(sent)
    assert b"limits" not in payload
    received = unpack_failure(payload, "lab", ("lab", "clinic"))
    assert received == sent
    assert isinstance(received.error("clinic"), RevealRefusedError)


@pytest.mark.parametrize(
    "refusal", [None, 3, {}, [], ["logits", 3], ["\x1b[2J", 3, "job.py:12"], ["logits", -1, ""], ["x" * 80, 1, ""]]
)
def test_anything_else_is_not_shown(refusal):
    assert str(told(refusal)) == "'lab' refused a reveal: its policy does not allow it."


def test_a_line_is_cut_and_cleaned():
    text = str(told(["logits", 3, "\x1b[2J" + "x" * 500]))
    assert "?[2J" in text
    assert len(text) < 250


def test_no_other_reason_brings_a_refusal():
    assert "logits" not in str(told(["logits", 3, "job.py:12"], reason="lost"))


class Witness:
    peers = frozenset({"clinic"})


def test_the_dealer_is_not_told_the_rule_and_passes_nothing_on():
    failure = Failure("lab", Category.POLICY, "lab", refusal=Refusal("logits", 3, "job.py:12"))
    assert failure.told("lab", "clinic", Witness()) == failure
    heard = failure.told("lab", "dealer", Witness())
    assert heard.refusal is None
    assert heard.told("dealer", "clinic", None) is None
