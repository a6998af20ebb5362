"""Debug sessions: the plain value of every secret, computed by PyTorch beside it, and compared after each operation."""

from tacit.tensor.shadow.shadows import Shadows

__all__ = ["Shadows"]
