"""Networks whose parameters are secret."""

from tacit.nn.check import Report, check
from tacit.nn.sharing import share_module
from tacit.nn.stepping import secret_steps

__all__ = ["Report", "check", "secret_steps", "share_module"]
