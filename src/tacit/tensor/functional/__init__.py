"""Functions that are caught whole: attention, whose fused forms hide the scores, dropout, division."""

from tacit.tensor.functional import attention, division, dropout, heads

__all__ = ["attention", "division", "dropout", "heads"]
