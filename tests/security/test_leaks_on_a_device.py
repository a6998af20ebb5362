"""The leak test over the kernels for accelerators: they compute from the same shares, and disclose no more."""

from __future__ import annotations

import pytest

from tacit.ring import device, kernels
from tacit.testing.leaks import check
from tacit.testing.programs import CASES

CHOSEN = [name for i, name in enumerate(sorted(CASES)) if i % 6 == 0]


@pytest.mark.slow  # other kernels that make masks: a wrong one would still give right results
@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_seen_is_uniform(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_kernels", device)
    case = CASES[name]
    check(case.program, 2, case.settings, repetitions=24, again=case.again)
