"""What a policy file may say, what it then allows, and that everything else is refused."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.disclosure.disclosure import Disclosure
from tacit.disclosure.guard import Guard
from tacit.disclosure.policy import Policy, make_policy, read_policy
from tacit.errors import MisuseError, PolicyError

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
NAMES = ("lab", "clinic", "bank")


def disclosure(to=("lab",), shape=(2, 3), label="", file="/home/me/wards/job.py", line=12, function="job"):
    return Disclosure(1, 1, label, shape, "float32", to, file, line, function)


def refused_by(policy, *disclosures):
    """The rule that refuses the last one, after the others; None if it is allowed."""
    guard = Guard(make_policy(policy))
    for each in disclosures[:-1]:
        guard.check(each)
    try:
        guard.check(disclosures[-1])
    except PolicyError as error:
        return error.refusal.rule
    return None


def test_the_hospital_of_the_page(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.S).group(1))
    policy = read_policy(path)
    policy.check_names(("lab", "hospital"))
    stays = {"file": "/srv/stays.py", "function": "predict", "label": "predictions", "shape": (64, 1)}
    predicted = [disclosure(to=("hospital",), **stays)] * 20
    error = disclosure(to=("lab", "hospital"), label="mean error", shape=())
    assert refused_by(policy, *predicted, error) is None
    assert refused_by(policy, *predicted, predicted[0]) == "predictions"
    assert refused_by(policy, disclosure(to=("lab",), **stays)) == "default"
    assert refused_by(policy, error, error) == "mean error"


def test_the_example_in_the_code_is_a_policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(read_policy.__globals__["__doc__"].partition("\n\n")[2])
    policy = read_policy(path)
    assert policy.rules[0].shapes == ((60, 10), (20, 10))
    assert policy.max_total_elements == 20_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"no table \[policy\]"),
        ("[policy]\n[policie]\n", "policie means nothing here"),
        ("[policy]\n", 'default: it is missing; write default = "deny" or "allow"'),
        ('[policy]\ndefault = "maybe"\n', "default: .*'deny' or 'allow'"),
        ('[policy]\ndefault = "deny"\nmax_element = 3\n', "max_element: .*did you mean max_elements"),
        ('[policy]\ndefault = "deny"\nmax_elements = "3"\n', "max_elements: .*valid integer"),
        ('[policy]\ndefault = "deny"\nmax_elements = true\n', "max_elements: .*valid integer"),
        ('[policy]\ndefault = "deny"\nmax_reveals = 0\n', "max_reveals: .*greater than or equal to 1"),
        ('[policy]\ndefault = "deny"\n[[policy.rules]]\nreceiver = "lab"\n', "rule 1, receiver: .*the keys are"),
        ('[policy]\ndefault = "deny"\n[[policy.rules]]\nto = []\n', "rule 1, to: .*at least 1"),
        ('[policy]\ndefault = "deny"\n[[policy.rules]]\nto = ["lab", 3]\n', "rule 1, to, item 2: .*string"),
        ('[policy]\ndefault = "deny"\n[[policy.rules]]\nshapes = [3]\n', "rule 1, shapes, item 1: .*tuple"),
        ('[policy]\ndefault = "deny"\n[[policy.rules]]\nshapes = [[-1]]\n', "rule 1, shapes, item 1, item 1"),
        ('[policy]\ndefault = "deny"\n[[policy.rules]]\nat = "job.py:x:3"\n', "rule 1, at: .*is no place"),
        ('[policy]\ndefault = "deny"\n[[policy.rules]]\naction = "deny"\nmax_reveals = 1\n', "rule 1: .*no limits"),
        ('[policy]\ndefault = "deny"\n[[policy.rules]]\nname = "default"\n', "no rule can be called 'default'"),
        ('[policy]\ndefault = "deny"\n' + '[[policy.rules]]\nname = "a"\n' * 2, "two rules are called 'a'"),
        ("[policy\n", "not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named(tmp_path, text, says):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(MisuseError, match=f"policy.toml.*{says}") as caught:
        read_policy(path)
    assert "pydantic" not in str(caught.value)


def test_a_receiver_who_is_no_party_is_named():
    with pytest.raises(MisuseError, match="'rule 1' is about reveals to 'labb'"):
        make_policy({"default": "allow", "rules": [{"to": "labb", "action": "deny"}]}).check_names(NAMES)


@pytest.mark.parametrize(
    ("rule", "fitting", "other"),
    [
        ({"to": "lab"}, {}, {"to": ("clinic",)}),
        ({"to": ["lab", "clinic"]}, {"to": ("lab", "clinic")}, {"to": ("lab", "bank")}),
        ({"label": "mean"}, {"label": "mean"}, {"label": "means"}),
        ({"at": "job.py"}, {}, {"file": "/home/me/wards/myjob.py"}),
        ({"at": "wards/job.py:12"}, {}, {"file": "/home/me/job.py"}),
        ({"at": "job.py:12"}, {}, {"line": 13}),
        ({"at": ["job.py:3", "job.py:Net.job"]}, {"function": "Net.job"}, {}),
        ({"shapes": [[2, 3], []]}, {"shape": ()}, {"shape": (3, 2)}),
    ],
)
def test_a_rule_fits_where_all_that_it_says_holds(rule, fitting, other):
    deny = {"default": "deny", "rules": [{"name": "it", **rule}]}
    assert refused_by(deny, disclosure(**fitting)) is None
    assert refused_by(deny, disclosure(**other)) == "default"
    allow = {"default": "allow", "rules": [{"name": "it", "action": "deny", **rule}]}
    assert refused_by(allow, disclosure(**fitting)) == "it"


@pytest.mark.parametrize(
    ("limit", "allowed", "refused"),
    [
        ({"max_elements": 6}, [{}, {}], {"shape": (7,)}),
        ({"max_reveals": 2}, [{}, {}], {"shape": ()}),
        ({"max_total_elements": 13}, [{}, {}, {"shape": ()}], {"shape": ()}),
    ],
)
def test_limits_of_a_rule_and_of_the_session(limit, allowed, refused):
    told = [disclosure(**each) for each in (*allowed, refused)]
    for policy, name in (
        ({"default": "deny", "rules": [{"name": "it", "to": "lab", **limit}]}, "it"),
        ({"default": "allow", **limit}, "limits"),
    ):
        assert refused_by(policy, *told[:-1]) is None
        assert refused_by(policy, *told) == name
    assert refused_by({"default": "allow", "rules": [{"to": "clinic", **limit}]}, *told) is None


def test_the_first_rule_that_fits_decides_for_each_receiver():
    rules = [{"name": "few", "to": "lab", "max_elements": 3}, {"name": "any"}]
    policy = {"default": "deny", "rules": rules}
    assert refused_by(policy, disclosure(to=("clinic",))) is None
    assert refused_by(policy, disclosure(to=("clinic", "lab"))) == "few"


def test_a_refused_reveal_counts_for_nothing_and_one_to_several_counts_once():
    guard = Guard(make_policy({"default": "allow", "rules": [{"max_reveals": 2, "max_elements": 6}]}))
    for _ in range(3):
        with pytest.raises(PolicyError, match="max_elements of its rule 'rule 1' is 6, and this makes 7"):
            guard.check(disclosure(shape=(7,)))
    guard.check(disclosure(to=NAMES))
    guard.check(disclosure(to=NAMES))
    with pytest.raises(PolicyError, match="max_reveals"):
        guard.check(disclosure(to=NAMES))


def test_the_digest_is_the_rules_not_the_writing():
    rule = {"to": "lab", "shapes": [[2]]}
    plain = make_policy({"default": "deny", "rules": [rule]})
    assert (
        plain.digest == make_policy({"rules": ({**rule, "to": ["lab"], "name": "rule 1"},), "default": "deny"}).digest
    )
    assert plain.digest != make_policy({"default": "allow", "rules": [rule]}).digest
    assert len(plain.digest) == 64


TOML_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = [*Policy.model_fields, "name", "to", "label", "at", "shapes", "action"]


@given(st.dictionaries(st.sampled_from(KEYS), TOML_LIKE), st.lists(st.dictionaries(st.sampled_from(KEYS), TOML_LIKE)))
def test_whatever_is_written_is_a_policy_or_misuse(table, rules):
    for content in (table, {"default": "deny", "rules": rules}):
        with suppress(MisuseError):
            policy = make_policy(content)
            assert make_policy(policy.model_dump()) == policy


LIMIT = st.none() | st.integers(1, 30)
LIMITS = st.fixed_dictionaries({"max_elements": LIMIT, "max_reveals": LIMIT, "max_total_elements": LIMIT})
DISCLOSURES = st.lists(
    st.builds(
        disclosure,
        to=st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple),
        shape=st.lists(st.integers(0, 4), max_size=2).map(tuple),
        label=st.sampled_from(["", "mean"]),
    ),
    max_size=12,
)
RULES = st.lists(st.tuples(LIMITS, st.sampled_from(NAMES), st.sampled_from([None, "mean"])), max_size=3)


@given(LIMITS, RULES, DISCLOSURES)
def test_no_sequence_of_reveals_gets_beyond_a_limit(limits, rules, disclosures):
    policy = make_policy(
        {
            "default": "deny",
            **limits,
            "rules": [{**limits, "to": to, "label": label and (label,)} for limits, to, label in rules],
        }
    )
    guard = Guard(policy)
    allowed = []
    for each in disclosures:
        try:
            guard.check(each)
            allowed.append(each)
        except PolicyError:
            pass
    for bounds, told in (
        (policy, allowed),
        *(
            (rule, [d for d in allowed if any(rule is next(r for r in policy.rules if r.fits(d, to)) for to in d.to)])
            for rule in policy.rules
        ),
    ):
        assert all(bounds.max_elements is None or d.elements <= bounds.max_elements for d in told)
        assert bounds.max_reveals is None or len(told) <= bounds.max_reveals
        assert bounds.max_total_elements is None or sum(d.elements for d in told) <= bounds.max_total_elements
