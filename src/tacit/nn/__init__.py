"""Networks whose parameters are secret."""

from tacit.nn.check import Report, check
from tacit.nn.sharing import share_module

__all__ = ["Report", "check", "share_module"]
