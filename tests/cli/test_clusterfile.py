import pytest

from tacit.cli.clusterfile import read_cluster
from tacit.cli.settings import make_settings, parse_assignments
from tacit.errors import MisuseError, NotBuiltError
from tacit.transport.certificates import make

GOOD = """
session = "s"
dealer = "127.0.0.1:7000"
[parties]
lab = "127.0.0.1:7001"
clinic = "[::1]:7002"
[settings]
frac_bits = 20
connect_timeout = 5
"""


PIN = "sha256:" + "0123456789abcdef" * 4
PINNED = "\n".join(["[certificates]", *(f'{name} = ["{PIN}"]' for name in ("lab", "clinic", "dealer"))])


def _written(tmp_path, text):
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    return path


def test_a_cluster_file(tmp_path):
    cluster = read_cluster(_written(tmp_path, GOOD))
    assert cluster.names == ("lab", "clinic")
    assert cluster.addresses() == {"lab": ("127.0.0.1", 7001), "clinic": ("::1", 7002), "dealer": ("127.0.0.1", 7000)}
    assert cluster.settings.frac_bits == 20
    assert cluster.settings.connect_timeout == 5.0


def test_the_dealer_is_asked_for_only_where_one_is_needed(tmp_path):
    without = GOOD.replace('dealer = "127.0.0.1:7000"', "")
    with pytest.raises(MisuseError, match="dealer"):
        read_cluster(_written(tmp_path, without)).addresses()
    plain = read_cluster(_written(tmp_path, without.replace("frac_bits = 20", 'protocol = "plaintext"')))
    assert list(plain.addresses()) == ["lab", "clinic"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("127.0.0.1:7001", "10.0.0.5:7001", "without certificates"),
        ("127.0.0.1:7001", "lab.example:7001", "without certificates"),
        ("127.0.0.1:7001", "127.0.0.1", r"toml:5: parties\.lab: must be like"),
        ("127.0.0.1:7001", "127.0.0.1:70010", r"parties\.lab: must be like"),
        ('"127.0.0.1:7001"', "7001", r"parties\.lab: must be an address .* it is the number 7001"),
        (
            "[settings]",
            f'[certificates]\nlab = "{PIN}"\n[settings]',
            r"clinic has none.*\n.*toml:7: certificates: .*dealer has none",
        ),
        (
            "[settings]",
            f'[certificates]\nlab = "{PIN[:-1]}"\n[settings]',
            r"toml:8: certificates\.lab: a fingerprint is like",
        ),
        ("[settings]", f"{PINNED}\nbank = '{PIN}'\n[settings]", "bank is no node"),
        (
            '"127.0.0.1:7001"',
            '"" # and the clinic\nward = ""',
            "neither 'ward' nor 'lab' can listen|neither 'lab' nor 'ward'",
        ),
        ('session = "s"', "", "session"),
        ('session = "s"', 'session = "s"\nport = 3', "toml:3: port: means nothing here"),
        (
            "frac_bits",
            "fraction_bits",
            r"toml:8: settings\.fraction_bits: means nothing here; did you mean frac_bits\?",
        ),
        (
            "frac_bits = 20",
            "frac_bits = [20]",
            "frac_bits: must be a whole number, for example frac_bits = 16; it is a list",
        ),
        ("frac_bits = 20", "frac_bits = 99", "from 4 to 24"),
        ("lab =", "dealer =", "dealer's name"),
        ('clinic = "[::1]:7002"', "", "at least two"),
        ("[parties]", "[others]", "others: means nothing"),
        ("[settings]", "[settings", "toml:7: is not valid TOML"),
    ],
)
def test_what_is_wrong_in_a_cluster_file(tmp_path, old, new, says):
    assert old in GOOD
    with pytest.raises(MisuseError, match=says) as info:
        read_cluster(_written(tmp_path, GOOD.replace(old, new)))
    assert "cluster.toml" in str(info.value)


def test_no_cluster_file(tmp_path):
    with pytest.raises(MisuseError, match="no file"):
        read_cluster(tmp_path / "cluster.toml")


def test_settings_from_text():
    settings = make_settings(parse_assignments(["frac-bits=20", "truncation = exact", "connect_timeout=5"]))
    assert (settings.frac_bits, settings.truncation, settings.connect_timeout) == (20, "exact", 5.0)
    with pytest.raises(MisuseError, match="NAME=VALUE"):
        parse_assignments(["frac_bits"])
    assert [make_settings({"debug": value}).debug for value in ("true", "False", True, False)] == [True, False] * 2
    with pytest.raises(MisuseError, match="debug must be true or false"):
        make_settings({"debug": "perhaps"})
    with pytest.raises(MisuseError, match="must be a number"):
        make_settings({"frac_bits": "many"})
    with pytest.raises(NotBuiltError, match="not built"):
        make_settings({"protocol": "replicated"})


def test_certificates_let_nodes_be_anywhere(tmp_path):
    text = GOOD.replace("127.0.0.1:7000", "dealer.example:443").replace("127.0.0.1:7001", "10.0.0.5:7001")
    cluster = read_cluster(_written(tmp_path, text.replace('"[::1]:7002"', '""') + PINNED))
    assert cluster.addresses() == {"lab": ("10.0.0.5", 7001), "clinic": None, "dealer": ("dealer.example", 443)}
    assert cluster.certificates["lab"] == (PIN,)


def test_an_own_certificate_that_the_others_do_not_expect_is_told_before_anything_starts(tmp_path):
    ours = make("lab", tmp_path)
    cluster = read_cluster(_written(tmp_path, GOOD + PINNED))
    with pytest.raises(
        MisuseError, match=f"is not the one that the others expect: its fingerprint is {ours.fingerprint}"
    ):
        cluster.security("lab", tmp_path)
