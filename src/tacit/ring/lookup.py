"""Products of dealt tables with public functions of an opened value, and the tables themselves, in torch.

With m = x - a open: e**x = e**m e**a, and sin(m + a) = sin m cos a + cos m sin a. Everything is modulo 2^64 and local;
the definition that native code is tested against (see ``kernels``), to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from tacit.ring.elementary import EXP_SCALE, ExpRange, Wave, exp_fraction, exp_offset, exp_whole, fixed, harmonics

_PART = 1 << 15
"""Numbers worked on at a time: what is made of them on the way stays in the cache."""

_PART_ON_DEVICE = 1 << 22
"""The same on an accelerator, where an operation on few numbers takes as long as one on many."""


def exp_table(r: Tensor, bits: int, span: ExpRange) -> Tensor:
    """``e**(v - r)`` for each multiple v of ``2**step_bits``, int64[entries, n], from r = int64[n] with ``bits``.

    v - r is taken modulo ``2**integer_bits``, between less that and 1.
    """
    size, step = 1 << span.integer_bits, 1 << span.step_bits
    powers = exp_powers(span).to(r.device)
    entries = torch.arange(0, size, step, device=r.device).unsqueeze(1)
    table = r.new_empty(span.entries, len(r))
    for part in _parts(r, span.entries):
        below = ((r[part] >> bits) - entries) & (size - 1)
        table[:, part] = fixed(_exp_start(r[part], bits) * powers[below], span.table_scale)
    return table


def exp_products(m: Tensor, bits: int, span: ExpRange, shifts: Sequence[int], table: Tensor) -> Tensor:
    """Shares of ``e**x / 2**shift``, int64[shifts, n] at ``EXP_SCALE``, from those of the table of r = -a."""
    out = m.new_empty(len(shifts), len(m))
    factors = [exp_factors(shift, span).to(m.device) for shift in shifts]
    for part in _parts(m, 1):
        fraction = exp_fraction(m[part] & ((1 << bits) - 1), bits)
        for row, shift, powers in zip(out, shifts, factors, strict=True):
            whole = ((m[part] >> bits) - exp_offset(shift)) & ((1 << span.integer_bits) - 1)
            factor = fraction * powers[whole & ((1 << span.step_bits) - 1)]
            entry = table[:, part].gather(0, (whole >> span.step_bits).unsqueeze(0)).squeeze(0)
            row[part] = fixed(factor, EXP_SCALE - span.table_scale) * entry
    return out


def harmonic_tables(a: Tensor, bits: int, terms: int, scale: int) -> tuple[Tensor, Tensor]:
    """Sines and cosines of k a, ``2**bits`` to a turn, for k = 1 to ``terms``: int64[terms, n] each."""
    sines, cosines = (a.new_empty(terms, len(a)) for _ in range(2))
    for part in _parts(a, 1):
        for k, (sine, cosine) in enumerate(harmonics(a[part] & ((1 << bits) - 1), bits, terms)):
            sines[k, part] = fixed(sine, scale)
            cosines[k, part] = fixed(cosine, scale)
    return sines, cosines


def wave_products(
    m: Tensor, bits: int, series: Sequence[Wave], scale: int, first: bool, sines: Tensor, cosines: Tensor
) -> Tensor:
    """Shares of each of ``series`` at x, int64[series, n] at twice the scale, from those of ``harmonic_tables`` of a.

    first: whether this party is the one that adds public numbers. The highest term is that of the tables.
    """
    out = wave_constants(series, scale, first).to(m.device).unsqueeze(1).repeat(1, len(m))
    for part in _parts(m, 1):
        angle = m[part] & ((1 << bits) - 1)
        for k, (sine, cosine) in enumerate(harmonics(angle, bits, len(sines)), start=1):
            for row, wave in zip(out, series, strict=True):
                b, c = wave.at(k)
                if b or c:  # sin k(m + a) and cos k(m + a), multiplied out
                    row[part] += fixed(sine * b + cosine * c, scale) * cosines[k - 1, part]
                    row[part] += fixed(cosine * b - sine * c, scale) * sines[k - 1, part]
    return out


def exp_powers(span: ExpRange) -> Tensor:
    """``e**-k`` for what an entry may lie below 1, float64."""
    return torch.tensor([exp_whole(-k) for k in range((1 << span.integer_bits) + 1)], dtype=torch.float64)


def exp_factors(shift: int, span: ExpRange) -> Tensor:
    """What takes an entry up to the whole numbers above it, over ``2**shift``, float64."""
    steps = range(exp_offset(shift), exp_offset(shift) + (1 << span.step_bits))
    return torch.tensor([exp_whole(k) * 2.0**-shift for k in steps], dtype=torch.float64)


def wave_constants(series: Sequence[Wave], scale: int, first: bool) -> Tensor:
    """This party's share of the constant of each series."""
    return torch.tensor([round(wave.at(0)[1] * 2.0 ** (2 * scale)) if first else 0 for wave in series])


def _exp_start(r: Tensor, bits: int) -> Tensor:
    """The exp of less the fraction of r: as ``e**(1 - fraction) / e``, but for a fraction of 0."""
    fraction = r & ((1 << bits) - 1)
    start = exp_fraction(-fraction & ((1 << bits) - 1), bits)
    return torch.where(fraction == 0, start, start * exp_whole(-1))


def _parts(x: Tensor, rows: int) -> Iterator[slice]:
    """The columns of a table of ``rows`` rows, a part at a time."""
    step = max(64, (_PART if x.is_cpu else _PART_ON_DEVICE) // rows)
    return (slice(start, start + step) for start in range(0, len(x), step))
