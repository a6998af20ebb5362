"""Which line a key stands on: right for everything that TOML allows."""

import string
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.config.positions import positions

TEXT = '''# a comment with = and [brackets]
session = "a # b \\" ] c"        # 2
a.b . "c d" = 1
dealer = \'it "is" [here]\'

[parties]  # 6
lab = { address = "127.0.0.1:7001", more.x = [1, 2] }
"ward.7" = """
[not.a.table]
x = 1 \\""" """""
clinic = \'\'\'
\'\'x\'\'\'

[certificates]
lab = [
    "one",  # [
    [ "two", { y = 3 } ],
]
[[arrays.of]]
x = 1
[arrays.of.deep]
y = 1979-05-27 07:32:00
[[arrays.of]]
x = 2
[[arrays.of.inner]]
[[arrays.of.inner]]
z = inf
[ parties . bank ]
address = ""'''


def paths(data, prefix=()):
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*prefix, key)
        yield from paths(value, (*prefix, key))


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_lines(ends):
    text = TEXT.replace("\n", ends)
    lines = positions(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    expected = {
        ("session",): 2,
        ("a",): 3,
        ("a", "b", "c d"): 3,
        ("parties",): 6,
        ("parties", "lab"): 7,
        ("parties", "lab", "more", "x", 1): 7,
        ("parties", "ward.7"): 8,
        ("parties", "clinic"): 11,
        ("certificates", "lab"): 15,
        ("certificates", "lab", 0): 16,
        ("certificates", "lab", 1, 1, "y"): 17,
        ("arrays", "of"): 19,
        ("arrays", "of", 0, "x"): 20,
        ("arrays", "of", 0, "deep", "y"): 22,
        ("arrays", "of", 1): 23,
        ("arrays", "of", 1, "inner", 1, "z"): 27,
        ("parties", "bank"): 28,
        ("parties", "bank", "address"): 29,
    }
    assert {path: lines[path] for path in expected} == expected


KEYS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=4) | st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=4
)


def quoted(text):
    return '"' + "".join(f"\\u{ord(character):04x}" if character in '"\\' else character for character in text) + '"'


def written(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{quoted(key)} = {written(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[\n" + "".join(f"  {written(part)}, # ] , \n" for part in value) + "]"
    if isinstance(value, str):
        return quoted(value) if len(value) % 2 else f'"""\n{quoted(value)[1:-1]}"""'
    return str(value).lower()


VALUES = st.recursive(
    st.integers(-(2**40), 2**40) | st.booleans() | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.lists(KEYS, min_size=1, max_size=3), st.sampled_from(["", "[]", "[[]]"]), VALUES)))
def test_every_path_that_tomllib_finds_has_the_line_of_its_key(statements):
    """Statements that do not fit the ones before are left out: what remains is a valid document of all shapes."""
    text = ""
    for keys, kind, value in statements:
        dotted = " . ".join(quoted(key) for key in keys)
        line = f"{kind[: len(kind) // 2]} {dotted} {kind[len(kind) // 2 :]}" if kind else f"{dotted} = {written(value)}"
        try:
            tomllib.loads(text + line + "\n")
        except tomllib.TOMLDecodeError:
            continue
        before = set(paths(tomllib.loads(text)))
        first, last = text.count("\n") + 1, (text + line).count("\n") + 1
        text += line + "\n"
        lines = positions(text)
        assert set(lines) == set(paths(tomllib.loads(text)))
        assert all(first <= lines[path] <= last for path in set(lines) - before)
