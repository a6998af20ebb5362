"""What to do instead of an operation that has no rule, and what will not get one."""

from __future__ import annotations

import re

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

_NEVER = (
    (
        re.compile("sparse"),
        "secrets are dense, since where their zeros are is part of what is secret. Use the dense operation: x itself, "
        "x @ y, nn.Embedding(..., sparse=False).",
    ),
    (
        re.compile(r"^_?fft_|complex|^polar$|^linalg_eig$|^angle$"),
        "secrets are real, and this has complex numbers. Take real and imaginary parts as tensors of their own; a "
        "discrete Fourier transform is a product with the matrices of its cosines and sines.",
    ),
)


def never(name: str) -> str:
    """Why an operation of that short name has no rule and gets none, with what to do instead; empty for others."""
    return next((why for pattern, why in _NEVER if pattern.search(name)), "")
