"""What to do instead of an operation that has no rule yet."""

from __future__ import annotations

_NOT_BUILT = "It is planned but not built yet."
_RANDOM = "Random numbers must be public and the same at all parties: draw a seeded plain tensor and combine it."

HINTS = {
    "bernoulli_": "Dropout and other random masks are not built yet: call net.eval(), or use dropout with p=0.",
    "native_dropout": "Dropout is not built yet: call net.eval(), or use dropout with p=0.",
    "normal_": _RANDOM,
    "uniform_": _RANDOM,
    "rand_like": _RANDOM,
    "randn_like": _RANDOM,
    "randint_like": _RANDOM,
    **dict.fromkeys(
        (
            *("exp", "log", "sqrt", "rsqrt", "reciprocal", "sigmoid", "tanh", "erf", "sin", "cos", "gelu", "silu"),
            *("_softmax", "_log_softmax", "native_layer_norm", "native_group_norm", "linalg_vector_norm", "var"),
            *("topk", "sort", "prod", "nll_loss_forward", "binary_cross_entropy", "floor", "round", "trunc"),
        ),
        _NOT_BUILT,
    ),
}
"""By the short name of the operation."""
