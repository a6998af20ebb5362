"""Tables of masks and their products with public functions: every kernel to the last bit, in Python's own numbers.

All parties multiply their shares by the same public numbers, so a kernel that rounds otherwise would leave garbage.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import pytest
import torch

from tacit.ring import elementary, kernels
from tacit.ring.conjunctions import subsets
from tacit.ring.elementary import EXP_SCALE, ExpRange, Wave, exp_offset, exp_whole
from tacit.ring.kernels import Kernels

RING = 1 << 64
LENGTHS = [0, 1, 63, 256, 300]
SPANS = [
    (16, ExpRange()),
    (32, ExpRange(step_bits=2)),
    (62, ExpRange(step_bits=1, table_scale=42)),
    (1, ExpRange(3, 3)),
]


def python(words: torch.Tensor) -> list[int]:
    return [int(word) % RING for word in words.reshape(-1)]


def polynomial(coefficients: Sequence[float], x: float) -> float:
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x
        total = total + coefficient
    return total


def exp_fraction(numerator: int, bits: int) -> float:
    return polynomial(elementary.EXP_SERIES.tolist(), float(numerator) * 2.0**-bits - 0.5)


def sine_cosine(numerator: int, bits: int) -> tuple[float, float]:
    series = elementary.WAVE_SERIES.tolist()
    turns = float(numerator) * 2.0**-bits
    quarter = round(turns * 4)
    rest = turns - quarter * 0.25
    sine, cosine = polynomial(series[:9], rest * rest) * rest, polynomial(series[9:], rest * rest)
    return [(sine, cosine), (cosine, -sine), (-sine, -cosine), (-cosine, sine)][quarter % 4]


def harmonics(numerator: int, bits: int, terms: int) -> list[tuple[float, float]]:
    first = sine_cosine(numerator, bits)
    found = [first]
    while len(found) < terms:
        (s, c), (sine, cosine) = found[-1], first
        found.append((s * cosine + c * sine, c * cosine - s * sine))
    return found[:terms]


def exp_entry(r: int, bits: int, span: ExpRange, v: int) -> int:
    fraction = r % (1 << bits)
    start = exp_fraction(-fraction % (1 << bits), bits)
    start = start * exp_whole(-1) if fraction else start
    return round(start * exp_whole(-(((r >> bits) - v) % (1 << span.integer_bits))) * 2.0**span.table_scale)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("bits", "span"), SPANS)
def test_tables_of_exp(target: Kernels, words, n: int, bits: int, span: ExpRange) -> None:
    r = words(n)
    table = target.exp_table(r, bits, span)
    assert table.shape == (span.entries, n)
    signed = [int(word) for word in r]
    for row, found in enumerate(table):
        assert found.tolist() == [exp_entry(word, bits, span, row << span.step_bits) for word in signed]


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("bits", "span"), SPANS)
def test_products_with_a_table_of_exp(target: Kernels, words, n: int, bits: int, span: ExpRange) -> None:
    m, table, shifts = words(n), words(span.entries, n), (0, 22, 46)
    found = target.exp_products(m, bits, span, shifts, table)
    assert found.shape == (3, n)
    for row, shift in zip(found, shifts, strict=True):
        expected = []
        for element, word in enumerate(m.tolist()):
            whole = ((word >> bits) - exp_offset(shift)) % (1 << span.integer_bits)
            power = exp_whole(exp_offset(shift) + whole % (1 << span.step_bits)) * 2.0**-shift
            fraction = exp_fraction(word % (1 << bits), bits)
            factor = round(fraction * power * 2.0 ** (EXP_SCALE - span.table_scale))
            expected.append(factor * int(table[whole >> span.step_bits, element]) % RING)
        assert python(row) == expected


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("bits", "terms"), [(19, 1), (40, 9), (63, 24)])
def test_tables_of_waves(target: Kernels, words, n: int, bits: int, terms: int) -> None:
    a = words(n)
    sines, cosines = target.harmonic_tables(a, bits, terms, 25)
    assert sines.shape == cosines.shape == (terms, n)
    for element, word in enumerate(a.tolist()):
        exact = harmonics(word % (1 << bits), bits, terms)
        assert sines[:, element].tolist() == [round(sine * 2.0**25) for sine, _ in exact]
        assert cosines[:, element].tolist() == [round(cosine * 2.0**25) for _, cosine in exact]
        assert all(abs(s - math.sin(2 * math.pi * (k * word % 2**bits) / 2**bits)) < 1e-12 for k, (s, _) in
                   enumerate(exact, start=1))  # fmt: skip


SERIES = [Wave([0.5, -7.25, 0.0, 1e-3], [3.0, 0.125]), Wave([], [0.25, 0.0, -1.5]), Wave([1.0])]


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("series", [SERIES, SERIES[1:2]])
def test_products_with_waves(target: Kernels, words, n: int, first: bool, series: list[Wave]) -> None:
    terms, bits = max(wave.terms for wave in series), 40
    m, sines, cosines = words(n), words(terms, n), words(terms, n)
    found = target.wave_products(m, bits, series, 25, first, sines, cosines)
    assert found.shape == (len(series), n)
    for row, wave in zip(found, series, strict=True):
        constant = round(wave.at(0)[1] * 2.0**50) if first else 0
        for element, word in enumerate(m.tolist()):
            total = constant
            for k, (sine, cosine) in enumerate(harmonics(word % (1 << bits), bits, terms)):
                b, c = wave.at(k + 1)
                total += round((sine * b + cosine * c) * 2.0**25) * int(cosines[k, element])
                total += round((cosine * b - sine * c) * 2.0**25) * int(sines[k, element])
            assert int(row[element]) % RING == total % RING


@pytest.mark.parametrize("place", [(1, 1), (3, 5), (2, 70)])
@pytest.mark.parametrize("monomials", [((0, 1),), ((0, 3), (0, 1, 4), (0, 1, 2, 5), (6, 2, 1, 0)), (tuple(range(8)),)])
def test_conjunctions(target: Kernels, words, place: tuple[int, int], monomials) -> None:
    variables = 1 + max(map(max, monomials))
    inputs, masks, mine = (words(variables, *place) for _ in range(3))
    needed = subsets(monomials)
    products = torch.stack([functools.reduce(torch.bitwise_and, (masks[v] for v in s)) for s in needed])
    theirs = words(*products.shape)
    parts = [
        target.conjunctions(inputs ^ masks, mine, products ^ theirs, monomials, True),
        target.conjunctions(inputs ^ masks, mine ^ masks, theirs, monomials, False),
    ]
    numbers = [python(plane) for plane in inputs]
    exact = [
        functools.reduce(int.__and__, bits) for m in monomials for bits in zip(*(numbers[v] for v in m), strict=True)
    ]
    assert python(parts[0] ^ parts[1]) == exact


@pytest.mark.parametrize("name", [name for name in kernels.available() if name not in ("device", "reference")])
def test_operands_that_do_not_fit_are_refused(name: str) -> None:
    native = kernels.available()[name]
    x, table, plane = torch.zeros(65, dtype=torch.int64), torch.zeros(32, 65, dtype=torch.int64), torch.zeros(2, 1, 4)
    plane = plane.to(torch.int64)
    calls = [
        lambda: native.exp_table(x, 0, ExpRange()),
        lambda: native.exp_table(x, 16, ExpRange(table_scale=51)),
        lambda: native.exp_table(x.int(), 16, ExpRange()),
        lambda: native.exp_products(x, 16, ExpRange(step_bits=1), (0,), table),
        lambda: native.exp_products(x, 16, ExpRange(table_scale=0), (0,), table),
        lambda: native.harmonic_tables(x.view(5, 13), 16, 3, 25),
        lambda: native.harmonic_tables(x, 64, 3, 25),
        lambda: native.wave_products(x, 16, SERIES, 25, True, table, table[1:]),
        lambda: native.wave_products(x, 16, [Wave([1e9])], 25, True, table, table),
        lambda: native.conjunctions(plane, plane, plane, ((0, 1),), True),
        lambda: native.conjunctions(plane, plane, plane[:1], ((0, 2),), True),
        lambda: native.conjunctions(plane, plane[:1], plane[:1], ((0, 1),), True),
    ]
    for call in calls:
        with pytest.raises(ValueError):
            call()
