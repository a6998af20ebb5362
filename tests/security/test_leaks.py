"""No primitive shows a party, or all but one party together, anything that depends on a secret."""

from __future__ import annotations

import pytest

from tacit.testing.leaks import check
from tacit.testing.programs import CASES

TWO = [pytest.param(name, 2, marks=() if i % 6 == 0 else pytest.mark.slow) for i, name in enumerate(CASES)]
MORE = [pytest.param(name, parties, marks=pytest.mark.slow) for name in CASES for parties in (3, 4)]
"""Slow, four fifths of the time: but only here several parties together look for what none of them sees alone."""


@pytest.mark.parametrize(("name", "parties"), [*TWO, *MORE])
def test_what_is_seen_is_uniform(name: str, parties: int) -> None:
    case = CASES[name]
    report = check(case.program, parties, case.settings, repetitions=24 if parties == 2 else 16, again=case.again)
    quiet = name == "share" or (parties == 2 and name.startswith("reveal"))  # by seeds; see test_reveals
    assert bool(report.messages) != quiet
    assert report.false_alarm < 1e-10  # of all tests of this file together: 4e-10
