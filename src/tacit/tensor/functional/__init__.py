"""Functions that are caught whole: attention, whose fused forms hide the scores, dropout, division, moves, layers."""

from tacit.tensor.functional import attention, devices, division, dropout, heads, norm, recurrent, similarity

__all__ = ["attention", "devices", "division", "dropout", "heads", "norm", "recurrent", "similarity"]
