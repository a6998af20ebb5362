"""The native kernels of ``lookup`` and ``conjunctions``; what C++ takes on trust is checked or made true here."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tacit import _native
from tacit.ring.conjunctions import Monomials, expansion, subsets
from tacit.ring.elementary import EXP_SCALE, EXP_SERIES, WAVE_SERIES, ExpRange, Wave, exp_offset
from tacit.ring.lookup import exp_factors, exp_powers, wave_constants

_MOST_VARIABLES = 8
_MOST_BITS = 62
_MOST_SCALE = 50
"""What is rounded to a whole number there lies below 2**51."""


class NativeLookup:
    """Kernels for the instruction set with this index."""

    __slots__ = ("_index",)

    _index: int

    def exp_table(self, r: Tensor, bits: int, span: ExpRange) -> Tensor:
        """See ``lookup.exp_table``."""
        r, n = _operand(r, (len(r),)), len(r)
        _check_scale(bits, span.table_scale)
        table, powers = r.new_empty(span.entries, n), exp_powers(span)
        _native.exp_table(
            self._index, r.data_ptr(), n, bits, EXP_SERIES.data_ptr(), span.integer_bits, span.step_bits,
            powers.data_ptr(), span.table_scale, table.data_ptr(),
        )  # fmt: skip
        return table

    def exp_products(self, m: Tensor, bits: int, span: ExpRange, shifts: Sequence[int], table: Tensor) -> Tensor:
        """See ``lookup.exp_products``."""
        m, n = _operand(m, (len(m),)), len(m)
        table = _operand(table, (span.entries, n))
        _check_scale(bits, EXP_SCALE - span.table_scale + 2 * (1 << span.step_bits) + 3)
        out, offsets = m.new_empty(len(shifts), n), torch.tensor([exp_offset(shift) for shift in shifts])
        powers = torch.cat([exp_factors(shift, span) for shift in shifts])
        _native.exp_products(
            self._index, m.data_ptr(), n, bits, EXP_SERIES.data_ptr(), span.integer_bits, span.step_bits,
            len(shifts), offsets.data_ptr(), powers.data_ptr(), EXP_SCALE - span.table_scale, table.data_ptr(),
            out.data_ptr(),
        )  # fmt: skip
        return out

    def harmonic_tables(self, a: Tensor, bits: int, terms: int, scale: int) -> tuple[Tensor, Tensor]:
        """See ``lookup.harmonic_tables``."""
        a, n = _operand(a, (len(a),)), len(a)
        _check_scale(bits, scale)
        sines, cosines = (a.new_empty(terms, n) for _ in range(2))
        _native.harmonics(
            self._index, a.data_ptr(), n, bits, WAVE_SERIES.data_ptr(), terms, scale, sines.data_ptr(),
            cosines.data_ptr(),
        )  # fmt: skip
        return sines, cosines

    def wave_products(
        self, m: Tensor, bits: int, series: Sequence[Wave], scale: int, first: bool, sines: Tensor, cosines: Tensor
    ) -> Tensor:
        """See ``lookup.wave_products``."""
        m, n, terms = _operand(m, (len(m),)), len(m), len(sines)
        sines, cosines = (_operand(table, (terms, n)) for table in (sines, cosines))
        pairs = [[wave.at(k) for k in range(1, terms + 1)] for wave in series]
        coefficients = torch.tensor(pairs, dtype=torch.float64)
        largest = float(coefficients.abs().max()) if coefficients.numel() else 0.0
        _check_scale(bits, scale + int(2 * largest).bit_length())
        out, constants = m.new_empty(len(series), n), wave_constants(series, scale, first)
        _native.waves(
            self._index, m.data_ptr(), n, bits, WAVE_SERIES.data_ptr(), terms, len(series), coefficients.data_ptr(),
            scale, constants.data_ptr(), sines.data_ptr(), cosines.data_ptr(), out.data_ptr(),
        )  # fmt: skip
        return out

    def conjunctions(
        self, opened: Tensor, masks: Tensor, products: Tensor, monomials: Monomials, first: bool
    ) -> Tensor:
        """See ``conjunctions.conjunctions``."""
        variables, *place = opened.shape
        opened, masks = (_operand(bits, (variables, *place)) for bits in (opened, masks))
        products = _operand(products, (len(subsets(monomials)), *place))
        if any(len(m) > _MOST_VARIABLES or not set(m) <= set(range(variables)) for m in monomials):
            raise ValueError(f"Monomials have at most {_MOST_VARIABLES} of {variables} variables, got {monomials}.")
        plan, out = expansion(monomials, variables), opened.new_empty(len(monomials), *place)
        _native.conjunctions(
            self._index, opened.data_ptr(), masks.data_ptr(), products.data_ptr(), variables, opened[0].numel(),
            len(monomials), plan.data_ptr(), first, out.data_ptr(),
        )  # fmt: skip
        return out


def _operand(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    if tensor.dtype != torch.int64 or tensor.device.type != "cpu" or tuple(tensor.shape) != shape:
        raise ValueError(f"Expected int64{list(shape)} on the CPU, got {tensor.dtype}{list(tensor.shape)}.")
    return tensor.contiguous()


def _check_scale(bits: int, scale: int) -> None:
    if not (1 <= bits <= _MOST_BITS + 1 and 0 <= scale <= _MOST_SCALE):
        raise ValueError(f"No numbers of {bits} fraction bits, or a scale of {scale}.")
