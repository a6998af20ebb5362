"""What to do instead of an operation that has no rule yet."""

from __future__ import annotations

_RANDOM = "Random numbers must be public and the same at all parties: draw a seeded plain tensor and combine it."

HINTS = {
    "bernoulli_": "Use torch.nn.functional.dropout, or multiply by a seeded plain mask.",
    "native_dropout": "Use torch.nn.functional.dropout, or multiply by a seeded plain mask.",
    "normal_": _RANDOM,
    "uniform_": _RANDOM,
    "rand_like": _RANDOM,
    "randn_like": _RANDOM,
    "randint_like": _RANDOM,
}
"""By the short name of the operation."""
