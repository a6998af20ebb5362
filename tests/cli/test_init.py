"""``tacit init``: the file that it writes is one that `tacit run` takes; nothing is lost; it says what comes next."""

import os
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tacit.cli.app import app
from tacit.config.read import parse_cluster, read_cluster
from tacit.config.template import cluster_text, quoted
from tacit.transport.certificates import make, read

FAR = ("--parties", "lab=192.0.2.1:7001,clinic=", "--dealer", "192.0.2.3:443")


@pytest.fixture
def init(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words, answers="", status=0):
        result = CliRunner().invoke(app, ["init", *words], input=answers)
        assert result.exit_code == status, result.output
        return result.output

    return call


def test_the_defaults_are_a_cluster_on_this_machine(init, tmp_path):
    said = init("--yes")
    assert said.split("\n\n")[1].splitlines() == [
        "  tacit doctor --config cluster.toml --as lab",
        "  tacit run JOB.py --config cluster.toml --party lab",
    ]
    cluster = read_cluster(tmp_path / "cluster.toml")
    assert cluster.addresses() == {
        "lab": ("127.0.0.1", 7001),
        "clinic": ("127.0.0.1", 7002),
        "dealer": ("127.0.0.1", 7000),
    }
    assert not (tmp_path / "certificates").exists()
    init("other.toml", "--yes")
    assert read_cluster(tmp_path / "other.toml").session != cluster.session


def test_a_file_that_is_there_is_written_over_only_when_that_is_said(init, tmp_path):
    path = tmp_path / "cluster.toml"
    path.write_text("mine")
    assert "--force writes over it" in init("--yes", status=2)
    assert "Write over it" in init(answers="n\n", status=1)
    assert path.read_text() == "mine"
    init(answers="y\n\n\n\n")
    assert "[parties]" in path.read_text()
    assert (tmp_path / "cluster.toml.old").read_text() == "mine"
    path.write_text("mine again")
    assert "is now cluster.toml.old1" in init("--yes", "--force")
    assert (tmp_path / "cluster.toml.old").read_text() == "mine"
    assert (tmp_path / "cluster.toml.old1").read_text() == "mine again"


def test_answers_are_asked_for_again_until_they_can_be_read(init, tmp_path):
    answers = [
        "lab=x,clinic=",
        "lab",
        "lab=192.0.2.1:7001,clinic=,st.anne=[::1]:9",
        "bank",
        "lab",
        "far",
        "192.0.2.3:443",
    ]
    pins = {name: make(name, tmp_path / "elsewhere").fingerprint for name in ("clinic", "st.anne", "dealer")}
    for name in ("clinic", "st.anne"):
        pins[name] = pins[name].replace("0", "1")
    said = init(answers="\n".join([*answers, "keys", f'"{pins["clinic"]}"', "sha1:2", pins["st.anne"], pins["dealer"]]))
    for part in (
        "must be like",
        "at least two parties",
        "'bank' is none of lab, clinic, st.anne",
        "a fingerprint is like",
    ):
        assert part in said
    cluster = read_cluster(tmp_path / "cluster.toml")
    assert cluster.parties == {"lab": ("192.0.2.1", 7001), "clinic": None, "st.anne": ("::1", 9)}
    pins["lab"] = read("lab", tmp_path / "keys").fingerprint
    assert {name: pin for name, (pin,) in cluster.certificates.items()} == pins
    assert "tacit run JOB.py --config cluster.toml --party lab --certs keys" in said
    assert "nobody answers" in init("other.toml", status=2)


def test_fingerprints_that_are_still_to_come(init, tmp_path):
    said = init(*FAR, "--as", "clinic", "--yes")
    assert "Still missing in it: the fingerprint of lab, dealer." in said
    assert "tacit certs show clinic" in said
    assert os.stat(tmp_path / "certificates" / "clinic.key").st_mode & 0o77 == 0
    text = (tmp_path / "cluster.toml").read_text()
    for name in ("lab", "dealer"):
        (line,) = [line for line in text.splitlines() if line.startswith(f"# {name} =")]
        text = text.replace(line, f'{name} = "{make(name, tmp_path).fingerprint}"')
    assert parse_cluster(text, "x", {}).certificates["clinic"] == (
        read("clinic", tmp_path / "certificates").fingerprint,
    )


def test_certificates_that_are_in_the_folder_and_pins_that_are_said(init, tmp_path):
    made = make("lab", tmp_path / "certificates")
    authority = make("hospital", tmp_path, authority=True)
    make("clinic", tmp_path / "certificates", by=authority)
    pin = make("dealer", tmp_path).fingerprint
    said = init(*FAR, "--as", "dealer", "--pin", f"dealer={pin}", "--yes")
    assert "tacit dealer --config cluster.toml" in said
    assert "Made" not in said
    pins = read_cluster(tmp_path / "cluster.toml").certificates
    assert pins == {"lab": (made.fingerprint,), "clinic": (authority.fingerprint,), "dealer": (pin,)}
    assert "for one of lab, clinic, dealer" in init("b.toml", *FAR, "--pin", f"bank={pin}", "--yes", status=2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--parties", "lab=,clinic="), "neither 'lab' nor 'clinic' can listen"),
        (("--parties", "lab"), "at least two"),
        (("--parties", "lab,the clinic"), "cannot name a party"),
        (("--parties", "lab=192.0.2.1:1,clinic="), "--yes has no default for this: Who deals"),
        (("--as", "bank"), "none of lab, clinic, dealer"),
        (("--dealer", "ahead", "--as", "dealer"), "no node of the session"),
        (("no/such/folder/cluster.toml",), "cannot write"),
        ((".",), "is no file"),
        ((*FAR, "--certs", "/dev/null/x"), "cannot make a certificate in /dev/null/x"),
    ],
)
def test_what_cannot_be_written(init, tmp_path, words, says):
    assert says in init("--yes", *words, status=2)
    assert not (tmp_path / "cluster.toml").exists()


def test_randomness_dealt_ahead(init, tmp_path):
    init("--yes", "--dealer", "ahead")
    cluster = read_cluster(tmp_path / "cluster.toml")
    assert list(cluster.addresses()) == ["lab", "clinic"]
    assert cluster.settings.randomness == "directory"


@given(st.text(max_size=20))
def test_any_text_can_be_written(text):
    assert tomllib.loads(f"key = {quoted(text)}")["key"] == text
    written = cluster_text(text, {"lab": ("::1", 1), "st.anne": None}, None, {"lab": ["a", "b"], "st.anne": [text]})
    assert tomllib.loads(written)["certificates"] == {"lab": ["a", "b"], "st.anne": text}
    assert tomllib.loads(written)["session"] == text
