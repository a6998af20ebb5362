"""Secrets as tensors: the wrapper, the table of rules, and the way in and out."""

from tacit.tensor import functional, rules
from tacit.tensor.secret import Secret
from tacit.tensor.sharing import reveal_tensor, share_tensor

__all__ = ["Secret", "functional", "reveal_tensor", "rules", "share_tensor"]
