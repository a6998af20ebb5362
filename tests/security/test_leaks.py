"""No primitive shows a party, or all but one party together, anything that depends on a secret."""

from __future__ import annotations

import pytest

from tacit.testing.leaks import check
from tacit.testing.programs import CASES


@pytest.mark.parametrize("parties", [2, 3, 4])
@pytest.mark.parametrize("name", CASES)
def test_what_is_seen_is_uniform(name: str, parties: int) -> None:
    case = CASES[name]
    report = check(case.program, parties, case.settings, repetitions=24 if parties == 2 else 16, again=case.again)
    assert report.false_alarm < 1e-9  # of this test; all of them together stay below 1e-6
