"""Every numeric function keeps to the error and the cost that its docstring declares, over its whole range."""

import pytest

from tacit.settings import Settings
from tacit.testing.accuracy import Finding, measure
from tacit.testing.sweeps import elementwise, rows

COSTS = {
    # rounds; bytes to each other party and bytes from the dealer, for one element
    "sigmoid": (4, 24.6, 357),
    "sigmoid, pending": (4, 24.6, 357),
    "tanh": (4, 24.6, 357),
    "erf": (4, 24.6, 229),
    "normal": (4, 24.6, 229),
    "gelu": (4, 24.6, 253),
    "gelu, slope": (4, 32.6, 301),
    "silu": (4, 24.6, 429),
    "softplus": (4, 24.6, 333),
    "exp": (4, 36.8, 249),
    "log": (6, 92.4, 814),
    "reciprocal": (8, 133.5, 1006),
    "reciprocal, positive": (8, 91, 726),
    "divide": (8, 216.2, 1639),
    "sqrt": (8, 116.4, 700),
    "rsqrt": (8, 116.4, 830),
    "sin": (2, 16, 32),
    "floor": (5, 20.3, 59),
    "round": (5, 28.8, 101),
    "power, secret": (11, 145.1, 1067),
    "layer_norm 768, 1.0, 0.0": (13, 17.3, 37),
}


one_worker = pytest.mark.xdist_group("findings")  # of pytest -n measures them


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in measure([*elementwise(), *rows()], Settings(), 2)}


def beyond(findings: list[Finding]) -> list[str]:
    return [
        f"{f.name}: {f.worst:.2f} of the allowed error at {f.at} (off by {f.absolute:.1e})"
        for f in findings
        if not f.worst <= 1
    ]


@one_worker
def test_two_parties(findings: dict[str, Finding]) -> None:
    assert not beyond(list(findings.values()))


@pytest.mark.slow  # every sweep three times more: the other ways of rounding and sharing have errors of their own
@pytest.mark.parametrize(
    ("settings", "parties"),
    [
        (Settings(), 3),
        (Settings(protocol="plaintext"), 2),
        (Settings(truncation="exact"), 2),
    ],
    ids=["three parties", "plaintext", "exact truncation"],
)
def test_other_sessions(settings: Settings, parties: int) -> None:
    assert not beyond(measure([*elementwise(), *rows()], settings, parties))


@one_worker
@pytest.mark.parametrize("name", COSTS)
def test_costs(findings: dict[str, Finding], name: str) -> None:
    rounds, sent, dealt = COSTS[name]
    found = findings[name]
    assert found.rounds == rounds
    assert found.sent == pytest.approx(sent, rel=0.03)
    assert found.dealt == pytest.approx(dealt, rel=0.05)


@one_worker
def test_softmax_of_a_long_row_costs_little_for_an_entry(findings: dict[str, Finding]) -> None:
    found = findings["softmax 50257, 3.0"]
    assert found.rounds == 4 * 16 + 14
    assert found.sent == pytest.approx(36 + 12.3, rel=0.03)


@pytest.mark.slow  # the only sweep with a narrow compare_bits, where a function that needs a wider one is wrong
def test_narrow_comparisons() -> None:
    """With 40 bits a comparison opens less and the range is smaller: |x| < 2**22."""
    sweeps = [
        sweep
        for sweep in [*elementwise(), *rows()]
        if all(float(argument.abs().max()) < 2.0**21 for argument in sweep.arguments)
    ]
    assert len(sweeps) > 15
    assert not beyond(measure(sweeps, Settings(compare_bits=40), 2))
