"""Secure multi-party computation for PyTorch: a secret is a tensor, and every party runs the same program."""

from tacit._version import __version__
from tacit.nn import check
from tacit.party import Party
from tacit.runtime.api import ledger, party, plan, prepare, profile, reveal, run, secret
from tacit.settings import Settings
from tacit.tensor import Secret

__all__ = [
    "Party",
    "Secret",
    "Settings",
    "__version__",
    "check",
    "ledger",
    "party",
    "plan",
    "prepare",
    "profile",
    "reveal",
    "run",
    "secret",
]
