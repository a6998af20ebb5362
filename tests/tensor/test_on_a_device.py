"""Every sample of every operation with shares on a pretended CUDA device: nothing is made in the wrong place."""

from __future__ import annotations

from functools import cache

import pytest

from tacit import Settings
from tacit.testing import parity
from tacit.testing.placement import pretended_cuda
from tacit.testing.protocols import check
from tacit.testing.samples import all_samples

SETTINGS = Settings(protocol="plaintext")
pytestmark = pytest.mark.slow


@cache
def outcomes():
    with pretended_cuda():
        return parity.run_all(SETTINGS, 2, device="cuda")


@pytest.mark.xdist_group("samples on a device")  # one worker of pytest -n makes the session
@pytest.mark.parametrize("sample", all_samples(), ids=str)
def test_a_secret_on_a_device_gives_what_pytorch_gives(sample):
    for mode in parity.modes(sample):
        outcome = outcomes()[sample.name, mode]
        assert not outcome.error, f"{mode}: {outcome.error}"
        wanted = parity.expected(sample, mode)
        assert not (found := parity.difference(sample, outcome, wanted, SETTINGS.frac_bits)), f"{mode}: {found}"


@pytest.mark.parametrize("parties", [2, 3, 4])
@pytest.mark.parametrize("truncation", ["probabilistic", "exact"])
def test_every_primitive_on_a_device(truncation, parties):
    settings = Settings(randomness="insecure_local", truncation=truncation)
    with pretended_cuda():
        assert len(check(settings, parties, device="cuda")) > 100
