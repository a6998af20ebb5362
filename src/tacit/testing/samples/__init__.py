"""Samples for every operation on secrets: what the parity test runs over every protocol."""

from tacit.testing.samples._base import Sample
from tacit.testing.samples.arithmetic import convolutions, matrices, products, sums
from tacit.testing.samples.bitwise import bitwise, shifts
from tacit.testing.samples.decisions import comparisons, extremes, logic, nonlinear, pooling
from tacit.testing.samples.functions import division, inplace_functions, powers, rounding
from tacit.testing.samples.networks import attention, lookups, norms, softmaxes
from tacit.testing.samples.operators import made_of_others, matrices_of_few_rows
from tacit.testing.samples.sizes import empties, scalars
from tacit.testing.samples.smooth import smooth
from tacit.testing.samples.structural import factories, indices, moves, views
from tacit.testing.samples.writing import inplace

FAMILIES = (
    *(views, moves, indices, factories, inplace),
    *(sums, products, matrices, convolutions),
    *(smooth, powers, inplace_functions, division, rounding, softmaxes, norms, lookups, attention),
    *(comparisons, logic, bitwise, shifts, nonlinear, extremes, pooling),
    *(scalars, empties),
    *(made_of_others, matrices_of_few_rows),  # last: samples draw their numbers in order
)


def all_samples() -> tuple[Sample, ...]:
    """All samples, the same at every call site: names are unique."""
    return _SAMPLES


_SAMPLES = tuple(sample for family in FAMILIES for sample in family())

__all__ = ["FAMILIES", "Sample", "all_samples"]
