"""Functions that are caught whole: attention, whose fused forms hide the scores, dropout, division, RMS norm."""

from tacit.tensor.functional import attention, division, dropout, heads, norm

__all__ = ["attention", "division", "dropout", "heads", "norm"]
