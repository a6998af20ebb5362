"""Networks whose parameters are secret."""

from tacit.nn.sharing import share_module

__all__ = ["share_module"]
