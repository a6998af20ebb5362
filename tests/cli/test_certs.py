"""``tacit certs``: what it writes, prints and refuses."""

import json

import pytest
from typer.testing import CliRunner

from tacit.cli.app import app
from tacit.transport.certificates import read


@pytest.fixture
def certs(tmp_path):
    def call(*words, status=0):
        result = CliRunner().invoke(app, ["certs", *words, "--certs", str(tmp_path)])
        assert result.exit_code == status, result.output
        return result.output

    return call


def test_init_prints_the_line_for_the_others(certs, tmp_path):
    printed = certs("init", "lab")
    assert f'lab = "{read("lab", tmp_path).fingerprint}"' in printed
    assert "[certificates]" in printed
    assert "PRIVATE" not in printed
    assert "is there already" in certs("init", "lab", status=2)
    assert "name" in certs("init", "../lab", status=2)


def test_show_lists_what_is_there(certs, tmp_path):
    assert "There is no certificate" in certs("show")
    certs("init", "lab")
    certs("init", "dealer", "--days", "10")
    assert [line.split(" = ")[0] for line in certs("show").splitlines()] == ["dealer", "lab"]
    (one,) = json.loads(certs("show", "lab", "--json"))
    assert one["fingerprint"] == read("lab", tmp_path).fingerprint
    assert one["expired"] is False
    assert "cannot read" in certs("show", "clinic", status=2)


def test_renew_keeps_the_line_unless_a_new_key_is_asked_for(certs):
    first = certs("init", "lab").splitlines()[-1]
    assert certs("renew", "lab").splitlines()[-1] == first
    assert certs("renew", "lab", "--new-key").splitlines()[-1] != first


def test_an_authority_issues_for_others_and_its_line_is_listed(certs, tmp_path):
    certs("init", "hospital", "--authority")
    printed = certs("issue", "ward", "--by", "hospital")
    assert f'ward = "{read("hospital", tmp_path).fingerprint}"' in printed
    assert "--by" in certs("renew", "ward", status=2)
    assert certs("renew", "ward", "--by", "hospital").splitlines()[-1] == printed.splitlines()[-1]
