import pytest

from tacit.settings import Settings
from tacit.testing.protocols import check

MORE = [pytest.param(parties, marks=pytest.mark.slow) for parties in (3, 4)]
"""What two parties never do: corrections at one of several, messages that cross. Most of the seconds go there."""


@pytest.mark.parametrize("parties", [2, *MORE])
@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(truncation="exact"),
        Settings(compare_bits=40),
        Settings(generator="chacha20"),
        Settings(protocol="plaintext"),
        Settings(randomness="insecure_local"),
    ],
    ids=["default", "exact", "compare_bits=40", "chacha20", "plaintext", "insecure_local"],
)
def test_every_primitive_means_what_it_says(settings: Settings, parties: int) -> None:
    assert len(check(settings, parties)) > 100
