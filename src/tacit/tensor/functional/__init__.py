"""Functions that are caught whole: where their fused forms suit no secret, or their gradients cost too much."""

from tacit.tensor.functional import (
    attention,
    devices,
    distances,
    division,
    dropout,
    heads,
    linear_algebra,
    losses,
    norm,
    one_hot,
    pooling,
    recurrent,
    sampling,
    scan,
    similarity,
)

__all__ = [
    "attention",
    "devices",
    "distances",
    "division",
    "dropout",
    "heads",
    "linear_algebra",
    "losses",
    "norm",
    "one_hot",
    "pooling",
    "recurrent",
    "sampling",
    "scan",
    "similarity",
]
