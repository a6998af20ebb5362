"""What is wrong in a cluster file or the environment: all of it, where it stands, and what would be right."""

import string
import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tacit.config.environment import variable
from tacit.config.findings import ConfigError
from tacit.config.read import parse_cluster, read_cluster
from tacit.config.schema import entries
from tacit.errors import MisuseError
from tacit.runtime.cluster import Cluster
from tacit.settings import Settings

PIN, OTHER = ("sha256:" + digits * 16 for digits in ("0123", "89ab"))
HIDDEN = "a name that strangers must not know"
GOOD = f"""session = "{HIDDEN}"
dealer = "dealer.example:443"

[parties]
lab = "10.0.0.1:7001"
ward-7 = {{ address = "" }}
[parties."st.anne"]
address = "[2001:db8::1]:7001"

[certificates]
lab = ["{PIN}", "{OTHER}"]
ward-7 = "{PIN}"
"st.anne" = "{PIN}"
dealer = "{PIN}"

[settings]
frac_bits = 20
"""


def read(text, **environ):
    return parse_cluster(text, "cluster.toml", environ)


def found(text, **environ):
    with pytest.raises(ConfigError) as info:
        read(text, **environ)
    assert HIDDEN not in str(info.value)
    return [str(finding) for finding in info.value.findings]


def test_both_forms_of_a_party_s_line():
    cluster = read(GOOD)
    assert cluster.parties == {"lab": ("10.0.0.1", 7001), "ward-7": None, "st.anne": ("2001:db8::1", 7001)}
    assert cluster.certificates["lab"] == (PIN, OTHER)
    assert cluster.certificates["ward-7"] == (PIN,)
    assert cluster.settings == Settings(frac_bits=20)


def test_everything_that_is_wrong_is_told_at_once_with_its_line():
    text = (
        GOOD.replace("session", "sesion")
        .replace('"dealer.example:443"', "443")
        .replace("address", "adress", 1)
        .replace(f'"{OTHER}"', '\n  "sha256:12"')
        .replace(
            "frac_bits = 20", "frac_bits = 99\ncompare_bits = '40'\nsession = 'x'\ntruncation = 'off'\ndebug = nan"
        )
        + "protocol = 'replicated'\n[polisy.lab]\nx = 1\n"
    )
    where = [": ".join(finding.split(": ")[:2]) for finding in found(text)]
    assert where == [
        "cluster.toml: session",
        "cluster.toml:1: sesion",
        "cluster.toml:2: dealer",
        "cluster.toml:6: parties.ward-7.address",
        "cluster.toml:6: parties.ward-7.adress",
        "cluster.toml:12: certificates.lab[1]",
        "cluster.toml:18: settings.frac_bits",
        "cluster.toml:19: settings.compare_bits",
        "cluster.toml:20: settings.session",
        "cluster.toml:21: settings.truncation",
        "cluster.toml:22: settings.debug",
        "cluster.toml:23: settings.protocol",
        "cluster.toml:24: polisy",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("session =", "sesion =", "sesion: means nothing here; did you mean session?"),
        ("frac_bits", "session", "settings.session: means nothing here; it belongs above all tables."),
        ("frac_bits = 20", "dealer = ''", "settings.dealer: means nothing here; it belongs above all tables."),
        (
            'dealer = "dealer.example:443"',
            "frac_bits = 3",
            "frac_bits: means nothing here; it belongs under [settings].",
        ),
        (
            "frac_bits = 20",
            "frac_bits = 20.5",
            "must be a whole number, for example frac_bits = 16; it is the number 20.5",
        ),
        ("frac_bits = 20", "frac_bits = '20'", "it is the text '20'."),
        ("frac_bits = 20", "debug = 1", "settings.debug: must be true or false, for example debug = false"),
        ("frac_bits = 20", f"frac_bits = 0x{'f' * 5000}", "does not fit 64 bits"),
        ("frac_bits = 20", "connect_timeout = nan", "must be a number"),
        ("frac_bits = 20", "connect_timeout = 0", "must be a positive number of seconds"),
        ("frac_bits = 20", "generator = 7", 'must be one of "aes128-ctr", "chacha20"'),
        ('"10.0.0.1:7001"', "true", "it is true."),
        ('"[2001:db8::1]:7001"', '"2001:db8::1:7001"', "parties.'st.anne'.address: must have brackets around"),
        ('"[2001:db8::1]:7001"', '"[2001:db8::1:7001"', "parties.'st.anne'.address: must be like"),
        ('"[2001:db8::1]:7001"', '"[st.anne]:7001"', "between the brackets"),
        ('"10.0.0.1:7001"', '"http://10.0.0.1:7001"', "parties.lab: must be like"),
        ("[parties]\n", "[partys]\n", "partys: means nothing here; did you mean parties?"),
        (f'["{PIN}", "{OTHER}"]', "[]", "certificates.lab: needs at least one fingerprint"),
        (f'ward-7 = "{PIN}"', f'ward = "{PIN}"', "ward is no node of this cluster; did you mean ward-7?"),
        ('dealer = "dealer.example:443"\n', "", 'dealer: is missing: randomness = "dealer" needs a line'),
    ],
)
def test_what_would_be_right(old, new, says):
    assert old in GOOD
    assert any(says in finding for finding in found(GOOD.replace(old, new, 1)))


def test_the_environment_overrides_values():
    cluster = read(
        GOOD,
        TACIT_SESSION="7",
        TACIT_DEALER="[::1]:9",
        TACIT_PARTIES__LAB="",
        TACIT_PARTIES__WARD_7__ADDRESS="10.0.0.7:1",
        TACIT_CERTIFICATES__ST_ANNE=f'["{OTHER}"]',
        TACIT_SETTINGS__FRAC_BITS="12",
        TACIT_SETTINGS__CONNECT_TIMEOUT="1.5",
        TACIT_SETTINGS__TRUNCATION="exact",
        TACIT_KERNELS="reference",
        HOME="/root",
    )
    assert cluster.session == "7"
    assert cluster.dealer == ("::1", 9)
    assert cluster.parties == {"lab": None, "ward-7": ("10.0.0.7", 1), "st.anne": ("2001:db8::1", 7001)}
    assert cluster.certificates["st.anne"] == (OTHER,)
    assert cluster.settings == Settings(frac_bits=12, connect_timeout=1.5, truncation="exact")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TACIT_PARTIES__LAB", "10.0.0.1", "TACIT_PARTIES__LAB: parties.lab: must be like"),
        ("TACIT_PARTIES__LAP", "10.0.0.1:1", "overrides nothing; did you mean TACIT_PARTIES__LAB?"),
        ("TACIT_SETTINGS_FRAC_BITS", "12", "overrides nothing; did you mean TACIT_SETTINGS__FRAC_BITS?"),
        ("TACIT_SESSIONS", "s", "overrides nothing; did you mean TACIT_SESSION?"),
        ("TACIT_PARTIES", "10.0.0.1:1", "a whole table cannot be overridden"),
        ("TACIT_SETTINGS__FRAC_BITS", "many", "TACIT_SETTINGS__FRAC_BITS: settings.frac_bits: must be a whole number"),
        (
            "TACIT_SETTINGS__FRAC_BITS",
            "99",
            "TACIT_SETTINGS__FRAC_BITS: settings.frac_bits: must be a whole number from",
        ),
        ("TACIT_CERTIFICATES__LAB", "sha1:12", "TACIT_CERTIFICATES__LAB: certificates.lab: a fingerprint is like"),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable(name, value, says):
    (finding,) = found(GOOD, **{name: value})
    assert says in finding


def test_two_names_that_one_variable_could_mean():
    text = 'session = "s"\ndealer = "[::1]:1"\n[parties]\nward-7 = "[::1]:2"\nward_7 = "[::1]:3"\n'
    assert "not clear which of 'ward-7' and 'ward_7'" in found(text, TACIT_PARTIES__WARD_7="[::1]:4")[0]


def test_every_plain_value_has_a_variable_of_its_own():
    names = [variable(entry.path) for entry in entries() if "*" not in entry.path]
    assert len(set(names)) == len(names)
    assert "TACIT_SETTINGS__HEARTBEAT_TIMEOUT" in names


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"session = '\xff'\n", "cluster.toml:1: is not valid TOML: it has to be UTF-8"),
        (b"session = 's'\n\nlab", "cluster.toml.*is not valid TOML"),
        (b"x = " + b"[" * 100_000, "nested too deeply"),
        (b"#" * (1 << 20) + b"#", "no cluster file"),
    ],
)
def test_files_that_are_none(tmp_path, data, says):
    path = tmp_path / "cluster.toml"
    path.write_bytes(data)
    with pytest.raises(MisuseError, match=says):
        read_cluster(path)


def test_the_environment_of_the_process_counts(tmp_path, monkeypatch):
    path = tmp_path / "cluster.toml"
    path.write_text("\ufeff" + GOOD.replace("\n", "\r\n"))  # as an editor on Windows leaves it
    monkeypatch.setenv("TACIT_SETTINGS__FRAC_BITS", "11")
    assert read_cluster(path).settings.frac_bits == 11
    assert read_cluster(path, {}).settings.frac_bits == 20


TABLES = ("session", "dealer", "parties", "certificates", "settings", "address", "lab", "ward-7")
WORDS = st.sampled_from([*TABLES, "frac_bits", "debug", "connect_timeout", "protocol", "compare_bits", "x"])
TEXTS = st.sampled_from(["", "127.0.0.1:1", "[::1]:2", "h:443", PIN, "additive", "dealer", "directory", "s"])
PLAIN = TEXTS | st.integers(-(2**80), 2**80) | st.floats() | st.booleans() | st.text(string.printable, max_size=9)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)


def written(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {written(part)}' for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[\n" + ",\n".join(written(part) for part in value) + "\n]"
    if isinstance(value, str):
        return '"' + "".join(f"\\u{ord(character):04x}" for character in value) + '"'
    return str(value).lower()


def only_a_clear_error(text, environ):
    findings = ()
    try:
        assert isinstance(parse_cluster(text, "cluster.toml", environ), Cluster)
    except ConfigError as error:
        findings = error.findings
    for finding in findings:
        assert finding.text.endswith((".", "?", "..."))
        file, _, line = finding.where.partition(":")
        assert file == "cluster.toml" or file in environ
        assert not line or 1 <= int(line) <= text.count("\n") + 1


@given(st.text(max_size=200) | st.text("[]{}=\"'\\.,#\n ab1-_", max_size=60))
@example("a.'b'.\"c\" = [ { x = 1 }, ]")
def test_any_text_is_a_cluster_or_a_clear_error(text):
    only_a_clear_error(text, {})


@given(
    st.dictionaries(WORDS, VALUES, max_size=6),
    st.booleans(),
    st.dictionaries(
        st.sampled_from(["TACIT_SESSION", "TACIT_PARTIES__LAB", "TACIT_PARTIES__LAB__ADDRESS", "TACIT_PARTIES"])
        | st.sampled_from(
            ["TACIT_SETTINGS__DEBUG", "TACIT_CERTIFICATES__LAB", "TACIT_X__Y", "TACIT_SETTINGS__FRAC_BITS"]
        ),
        st.text(max_size=8) | TEXTS | st.just("[" * 5000) | st.just("1\nx = 2"),
        max_size=3,
    ),
)
def test_any_document_is_a_cluster_or_a_clear_error(document, over_a_good_one, environ):
    content = tomllib.loads(GOOD) | document if over_a_good_one else document
    only_a_clear_error("".join(f"{key} = {written(value)}\n" for key, value in content.items()), environ)
