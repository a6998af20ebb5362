import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

import tacit
from tacit.cli.app import app
from tacit.demo import digits
from tacit.demo.digits import held_out_digits, training_digits
from tacit.demo.job import CLINIC, LAB, Outcome, job
from tacit.demo.net import Net, train
from tacit.demo.progress import progress
from tacit.demo.run import compare, run_demo
from tacit.demo.summary import Summary
from tacit.profile import Reveal

README = Path(__file__).parents[2] / "README.md"
KEYS = {
    *("accuracy_private", "accuracy_plain", "agreement", "max_logit_error"),
    *("seconds_per_image", "rounds", "mb_sent", "dealer_mb"),
}
pytestmark = pytest.mark.xdist_group("demonstration")  # one worker of pytest -n runs it


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return tacit.run(job, parties=[LAB, CLINIC], args=(120,))


@pytest.fixture(scope="module")
def summary(outcomes):
    return compare(outcomes, *held_out_digits(), "threads")


def test_private_inference_predicts_what_plaintext_does(summary):
    assert summary.agreement == 1.0
    assert summary.accuracy_private == summary.accuracy_plain > 0.95
    assert summary.max_logit_error < 2e-3


def test_nothing_but_logits_is_revealed_and_only_to_the_clinic(outcomes):
    for outcome in outcomes.values():
        assert {(one.shape, one.to) for one in outcome.revealed} == {((120, 10), (CLINIC,))}
        assert len(outcome.revealed) == 3
    assert outcomes[LAB].logits is None
    assert outcomes[CLINIC].weights is None


def test_costs_are_counted(summary):
    assert summary.rounds > 10
    assert summary.mb_sent == pytest.approx(sum(summary.mb_sent_by_party.values()))
    assert set(summary.mb_sent_by_party) == {LAB, CLINIC}
    assert min(*summary.mb_sent_by_party.values(), summary.dealer_mb, summary.seconds_per_image) > 0


def test_a_wrong_result_shows(outcomes):
    changed = outcomes[CLINIC].logits.clone()
    changed[7] = -changed[7]
    wrong = {**outcomes, CLINIC: Outcome(1.0, 1, 1, 1, (), changed)}
    summary = compare(wrong, *held_out_digits(), "threads")
    assert summary.agreement == pytest.approx(359 / 360)
    assert summary.max_logit_error > 1
    assert "1 images differ" in _printed(summary)


def test_the_summary_names_everything(summary):
    text = _printed(summary)
    for part in ("96.", "100.0%", "every image", "lab ", "clinic ", "120 x 10", "to clinic"):
        assert part in text


def _printed(summary, width=100) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(summary.for_people())
    return out.getvalue()


@pytest.mark.slow  # the demonstration once more, for who tries it without a dealer
def test_the_job_is_the_same_in_plaintext():
    summary = run_demo("threads", tacit.Settings(protocol="plaintext"), batch_size=360)
    assert summary.agreement == 1.0
    assert summary.dealer_mb == 0


@pytest.mark.slow  # and once more, for scripts that read what it prints
def test_json_is_all_that_goes_to_standard_output():
    result = CliRunner().invoke(app, ["demo", "--json", "--backend", "threads", "--batch-size", "180"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found.keys() >= KEYS
    assert found["revealed"] == [
        {"times": 2, "shape": [180, 10], "dtype": "float32", "to": ["clinic"], "line": found["revealed"][0]["line"]}
    ]
    assert found["revealed"][0]["line"].startswith("job.py:")


@pytest.mark.slow  # the demonstration as the README starts it: four processes, and not a warning
def test_three_processes():
    command = [sys.executable, "-W", "error", "-m", "tacit", "demo", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["agreement"] == 1.0
    assert found["backend"] == "processes"
    assert done.stderr == ""
    shown = re.search(r"```text\n(╭─ Private inference.*?)```", README.read_text(), re.S).group(1)
    assert _without_times(shown) == _without_times(_printed(_summary_of(found), width=80))


def _summary_of(found) -> Summary:
    """What ``--json`` printed, as the summary that people see."""
    revealed = tuple(
        Reveal(tuple(each["shape"]), each["dtype"], tuple(each["to"]), each["line"])
        for each in found["revealed"]
        for _ in range(each["times"])
    )
    return Summary(**{**found, "revealed": revealed})


def _without_times(box) -> list[str]:
    """The lines that are the same in every run: times depend on the machine, and rounding is random."""
    return [line for line in box.splitlines() if "Time an image" not in line and "Largest logit error" not in line]


def test_without_scikit_learn_the_demo_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    result = CliRunner().invoke(app, ["demo", "--json"])
    assert result.exit_code == 2
    assert "tacit[demo]" in result.stderr
    assert json.loads(result.stdout)["error"]["kind"] == "misuse"


def test_the_parties_hold_different_images_and_training_repeats_itself():
    mine, labels = training_digits()
    held_out, _ = held_out_digits()
    assert len(held_out) == digits.HELD_OUT
    assert len(mine) + len(held_out) == 1797
    before = torch.get_rng_state()
    first, second = train(mine[:64], labels[:64]), train(mine[:64], labels[:64])
    assert torch.equal(before, torch.get_rng_state())
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    assert Net()(held_out[:2]).shape == (2, 10)


def test_progress_goes_through_all_batches_and_is_silent_without_a_terminal(capsys):
    batches = torch.arange(10).view(10, 1).split(4)
    assert [len(batch) for batch in progress(batches, "title", visible=True)] == [4, 4, 2]
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    list(progress(torch.arange(10).view(10, 1).split(4), "title", visible=True))
    shown = capsys.readouterr()
    assert "10/10" in shown.err
    assert shown.out == ""
    list(progress(torch.arange(10).view(10, 1).split(4), "title", visible=False))
    assert capsys.readouterr().err == ""
