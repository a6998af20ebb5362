"""Every sample of every operation, over every protocol, against PyTorch."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tacit
from tacit import Settings
from tacit.tensor import dispatch, registry
from tacit.testing import parity
from tacit.testing.samples import all_samples

LOCAL = Settings(randomness="insecure_local")
CONFIGURATIONS = {
    "plaintext": (Settings(protocol="plaintext"), 2, torch.float64),
    "additive, 2": (Settings(), 2, torch.float64),
    "additive, 2, singles": (LOCAL, 2, torch.float32),
    "additive, 3": (LOCAL, 3, torch.float64),
    "additive, 4": (LOCAL, 4, torch.float64),
    "additive exact, 2": (replace(LOCAL, truncation="exact"), 2, torch.float64),
}


@cache
def outcomes(configuration):
    """All samples in one session; the tests below look at one each."""
    chosen, parties, dtype = CONFIGURATIONS[configuration]
    return parity.run_all(chosen, parties, dtype=dtype)


# One worker of pytest -n makes a configuration's session and has all its tests.
GROUPED = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in CONFIGURATIONS]


@pytest.mark.slow
@pytest.mark.parametrize("sample", all_samples(), ids=str)
@pytest.mark.parametrize("configuration", GROUPED)
def test_a_secret_gives_what_pytorch_gives(configuration, sample):
    chosen, _, dtype = CONFIGURATIONS[configuration]
    for mode in parity.modes(sample):
        outcome = outcomes(configuration)[sample.name, mode]
        assert not outcome.error, f"{mode}: {outcome.error}"
        wanted = parity.expected(sample, mode, dtype)
        assert not (found := parity.difference(sample, outcome, wanted, chosen.frac_bits)), f"{mode}: {found}"


def test_names_of_samples_are_unique():
    names = [sample.name for sample in all_samples()]
    assert len(names) == len(set(names))


def test_every_rule_has_a_sample(monkeypatch):
    reached = set()

    def find(op):
        reached.add(op)
        return registry.find(op)

    class Recording:
        short_name = staticmethod(registry.short_name)

    Recording.find = staticmethod(find)
    monkeypatch.setattr(dispatch, "registry", Recording)
    parity.run_all(Settings(protocol="plaintext"), 2)
    refused = {op for op in registry.registered() if registry.find(op).rule.__module__.endswith(".leaks")}
    assert set(registry.registered()) - refused - reached == set()


NUMBERS = st.integers(-(2**28), 2**28).map(lambda n: n / 2**16)
OPERATIONS = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": lambda x, y: x * y / 64,
    "square": lambda x, y: torch.square(x) / 64,
    "relu": lambda x, y: torch.relu(x - y),
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "greater": lambda x, y: (x > y).double(),
    "equal": lambda x, y: (x == y).double(),
    "choice": lambda x, y: torch.where(x > 0, x, y),
    "clamp": lambda x, y: x.clamp(-100.25, 77.5),
    "abs": lambda x, y: x.abs(),
    "dot": lambda x, y: (x / 64) @ (y / 64),
}


@pytest.mark.parametrize("configuration", ["plaintext", "additive, 2"])
@settings(max_examples=12)
@given(pairs=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=80))
def test_whatever_the_numbers(configuration, pairs):
    x, y = torch.tensor(pairs, dtype=torch.float64).unbind(1)
    x[0] = y[0]

    def job():
        ours, theirs = tacit.secret(x, owner="lab"), tacit.secret(y, owner="clinic")
        return {name: tacit.reveal(operation(ours, theirs)) for name, operation in OPERATIONS.items()}

    chosen, parties, _ = CONFIGURATIONS[configuration]
    results = tacit.run(job, list(parity.NAMES[:parties]), settings=chosen)
    for name, operation in OPERATIONS.items():
        wanted = operation(x, y)
        # 1/64 is exact, but each factor of the dot product is rounded before it
        allowed = 2.0**-16 * (2 + (x.abs() + y.abs()).sum() / 64 if name == "dot" else 2)
        for result in results.values():
            assert ((result[name] - wanted).abs() <= allowed).all(), name
