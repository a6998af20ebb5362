"""Functions that are caught whole: attention, whose fused forms hide the scores, dropout, division, RMS norm, moves."""

from tacit.tensor.functional import attention, devices, division, dropout, heads, norm

__all__ = ["attention", "devices", "division", "dropout", "heads", "norm"]
