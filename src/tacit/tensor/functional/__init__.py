"""Functions that are caught whole: attention, whose fused forms hide the scores, dropout, division, norms, layers."""

from tacit.tensor.functional import (
    attention,
    deviation,
    devices,
    division,
    dropout,
    heads,
    norm,
    recurrent,
    similarity,
    vector_norm,
)

__all__ = [
    "attention",
    "deviation",
    "devices",
    "division",
    "dropout",
    "heads",
    "norm",
    "recurrent",
    "similarity",
    "vector_norm",
]
