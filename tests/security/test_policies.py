"""A reveal that a party's policy does not allow: that party sends nothing of it, and all parties end, told why."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import tacit
from tacit.errors import MisuseError, PartyFailedError, PolicyError, RevealRefusedError, TacitError
from tacit.runtime.session import current

SETTINGS = tacit.Settings(randomness="insecure_local")
NAMES = ["lab", "clinic", "bank"]
Told = dict[str, Any]


def value_of(kind: str) -> Any:
    """A secret of two numbers: one whose truncation waits, one that its owner knows, one that all know, or bits."""
    mine = tacit.party().name == "lab"
    x = tacit.secret(torch.tensor([3.0, 4.0]) if mine else None, owner="lab")
    match kind:
        case "known to its owner":
            return x
        case "public":
            return torch.zeros_like(x)
        case "bits":
            return x > 0
        case "deferred":
            with torch.no_grad():
                return torch.relu(x)
    y = tacit.secret(torch.tensor([1.0, 2.0]) if tacit.party().name == "clinic" else None, owner="clinic")
    return x * y


def job(kind: str, to: str | None, seen: dict[str, Told]) -> None:
    """One reveal; in ``seen``, what this party sent from its call on, and how it ended."""
    value = value_of(kind)
    session = current()
    sent: list[str] = []
    session.channel.watch.append(lambda direction, peer, *_: sent.append(peer) if direction == "sent" else None)
    before = session.meter.bytes_sent
    told: Told = {"sent": sent}
    seen[session.party.name] = told
    try:
        told["value"] = tacit.reveal(value, to)
        tacit.reveal(value_of("product"))  # who only sends, or had no need to wait, learns of it here
    except TacitError as error:
        told["error"] = error
        told["bytes"] = session.meter.bytes_sent - before
        raise


def refused(names: list[str], kind: str, to: str | None) -> dict[str, Told]:
    """How it went at all parties, when the lab's policy allows nothing."""
    seen: dict[str, Told] = {}
    policies = {"lab": {"default": "deny", "rules": [{"name": "the secret rule", "to": "lab", "label": "never"}]}}
    with pytest.raises(PartyFailedError) as failure:
        tacit.run(job, names, (kind, to, seen), settings=SETTINGS, policies=policies)
    assert failure.value.party == "lab"
    assert set(failure.value.failures) == set(names)
    return seen


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize("to", [None, "clinic", "lab"])
@pytest.mark.parametrize("kind", ["product", "known to its owner", "bits", "deferred"])
def test_who_refuses_sends_nothing_of_the_value_and_nobody_learns_it(parties: int, to: str | None, kind: str) -> None:
    names = NAMES[:parties]
    seen = refused(names, kind, to)
    assert seen["lab"]["sent"] == []
    assert seen["lab"]["bytes"] == 0
    assert isinstance(seen["lab"]["error"], PolicyError)
    for name, told in seen.items():
        assert told.get("value") is None, name
        if name != "lab":
            assert isinstance(told["error"], RevealRefusedError)
            said = str(told["error"])
            assert said.startswith("'lab' refused reveal 1, at test_policies.py:")
            assert "'default' of its policy" in said
            assert "secret rule" not in said


def test_even_what_everybody_knows_is_refused() -> None:
    seen = refused(NAMES, "public", None)
    assert (seen["lab"]["sent"], seen["lab"].get("value")) == ([], None)


def test_a_job_that_catches_the_refusal_cannot_go_on() -> None:
    def stubborn(ended: list[str]) -> None:
        x = tacit.secret(torch.ones(3) if tacit.party().name == "lab" else None, owner="lab")
        for label in ("forbidden", "allowed", "allowed"):
            try:
                tacit.reveal(x, label=label)
            except TacitError as error:
                ended.append(type(error).__name__)

    ended: list[str] = []
    policies = {"clinic": {"default": "deny", "rules": [{"label": "allowed"}]}}
    with pytest.raises(PartyFailedError, match="refused reveal 1"):
        tacit.run(stubborn, NAMES, (ended,), settings=SETTINGS, policies=policies)
    assert ended.count("PolicyError") == 1
    assert ended.count("RevealRefusedError") >= 2 + 3  # the clinic's others, the bank's; the lab may end in its secret
    assert set(ended) == {"PolicyError", "RevealRefusedError"}


def here(x: torch.Tensor, size: int = 2, to: str = "lab", label: str = "mean") -> Any:
    """The reveal of the next tests."""
    return tacit.reveal(x[:size], to=to, label=label)


RULES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "to": ({"to": "lab"}, {"to": "clinic"}, "default"),
    "label": ({"label": "mean"}, {"label": "median"}, "default"),
    "at": ({"at": "test_policies.py:here"}, {}, "default"),
    "shapes": ({"shapes": [[2]]}, {"size": 3}, "default"),
    "deny": ({"label": "x", "action": "deny"}, {"label": "x"}, "it"),
    "max_elements": ({"max_elements": 4}, {"size": 5}, "it"),
    "max_reveals": ({"max_reveals": 2}, {}, "it"),
    "max_total_elements": ({"max_total_elements": 5}, {}, "it"),
}


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("by", ["lab", "bank"])
def test_every_kind_of_rule_is_kept_in_a_session(kind: str, by: str) -> None:
    """Two reveals that are allowed, and a third that is not, by a party that is told or by one that only sends."""
    rule, change, name = RULES[kind]

    def job(values: list[Any]) -> None:
        x = tacit.secret(torch.arange(6.0) if tacit.party().name == "clinic" else None, owner="clinic")
        for _ in range(2):
            values.append(here(x))
        values.append(here(x, **change) if kind != "at" else tacit.reveal(x[:2], to="lab"))
        tacit.reveal(x.sum())

    values: list[Any] = []
    rules = [{"name": "it", "to": "lab", **rule}, *([{"to": "lab"}] if kind == "deny" else [])]
    with pytest.raises(PartyFailedError) as failure:
        tacit.run(job, NAMES, (values,), settings=SETTINGS, policies={by: {"default": "deny", "rules": rules}})
    assert failure.value.party == by
    told = failure.value.failures
    for other in set(NAMES) - {by}:
        assert f"'{by}' refused reveal 3, at test_policies.py:" in told[other]
        assert f"'{name}' of its policy" in told[other]
    got = [value.tolist() for value in values if value is not None]
    # Who only sends may be at the third before the first has been read, and an end overtakes what is on its way.
    assert got == [[0.0, 1.0]] * (2 if by == "lab" else len(got))
    assert len(got) <= 2


def test_each_party_has_a_policy_of_its_own() -> None:
    def job() -> Any:
        x = tacit.secret(torch.ones(3) if tacit.party().name == "clinic" else None, owner="clinic")
        return tacit.reveal(x.sum(), to="lab", label="total"), tacit.reveal(x, to="clinic")

    policies: dict[str, Any] = {
        "clinic": {"default": "deny", "rules": [{"to": "lab", "max_elements": 1}, {"to": "clinic"}]},
        "lab": {"default": "allow", "max_reveals": 2},
    }
    results = tacit.run(job, NAMES, settings=SETTINGS, policies=policies)
    assert results["lab"][0] == 3
    assert results["lab"][1] is None


@pytest.mark.parametrize("change", [{"debug": True}, {"protocol": "plaintext"}])
def test_a_policy_is_not_taken_where_nothing_is_secret(change: dict[str, Any]) -> None:
    settings = tacit.Settings(**{"randomness": "insecure_local", **change})
    with pytest.raises(MisuseError, match="where every party sees every value"):
        tacit.run(lambda: None, NAMES, settings=settings, policies={"lab": {"default": "allow"}})


@pytest.mark.parametrize(
    ("policies", "says"),
    [
        ({"labb": {"default": "deny"}}, "a policy of 'labb', who is no party"),
        ({"lab": {"rules": []}}, "the policy of 'lab': default: it is missing"),
        ({"lab": "nowhere.toml"}, "cannot read the policy nowhere.toml"),
        ({"lab": {"default": "deny", "rules": [{"to": "labb"}]}}, "'labb', who is no party"),
    ],
)
def test_a_wrong_policy_is_refused_before_anything_starts(policies: dict[str, Any], says: str) -> None:
    with pytest.raises(MisuseError, match=says):
        tacit.run(lambda: None, NAMES, settings=SETTINGS, policies=policies)


@pytest.mark.parametrize("label", [3, "a\nb", "x" * 65])
def test_a_label_is_a_short_line(label: Any) -> None:
    def job() -> None:
        tacit.reveal(tacit.secret(1.0 if tacit.party().rank == 0 else None, owner="lab"), label=label)

    with pytest.raises(PartyFailedError, match="a label is a text of at most 64 letters"):
        tacit.run(job, NAMES, settings=SETTINGS)


def test_different_labels_are_different_programs() -> None:
    def job() -> None:
        x = tacit.secret(1.0 if tacit.party().rank == 0 else None, owner="lab")
        tacit.reveal(x, label="mean" if tacit.party().rank == 0 else "median")

    with pytest.raises(PartyFailedError, match="as median"):
        tacit.run(job, NAMES, settings=SETTINGS)


def test_the_dealer_is_told_neither_rule_nor_line() -> None:
    def job() -> None:
        tacit.reveal(tacit.secret(1.0 if tacit.party().rank == 0 else None, owner="lab"))

    policies = {"clinic": {"default": "deny"}}
    with pytest.raises(PartyFailedError) as failure:
        tacit.run(job, NAMES, policies=policies)
    told = failure.value.failures
    assert "at test_policies.py:" in told["bank"]
    assert told["dealer"].endswith("'clinic' refused a reveal: its policy does not allow it.")


@pytest.mark.slow  # processes, which import PyTorch: the refusal travels over TCP, and its sender ends right after
def test_a_refusal_between_processes_names_rule_and_party() -> None:
    def job() -> None:
        x = tacit.secret(torch.ones(3) if tacit.party().name == "lab" else None, owner="lab")
        tacit.reveal(x, to="clinic", label="rows")

    policies = {"bank": {"default": "allow", "rules": [{"name": "no rows", "label": "rows", "action": "deny"}]}}
    with pytest.raises(PartyFailedError) as failure:
        tacit.run(job, NAMES, backend="processes", policies=policies)
    assert failure.value.party == "bank"
    assert failure.value.failures["dealer"].endswith("'bank' refused a reveal: its policy does not allow it.")
    assert "PolicyError" in failure.value.failures["bank"]
    assert "'bank' refused reveal 1, at test_policies.py:" in failure.value.failures["clinic"]
    assert "'no rows' of its policy" in failure.value.failures["clinic"]
