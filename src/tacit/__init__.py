"""Secure multi-party computation for PyTorch: a secret is a tensor, and every party runs the same program."""

from tacit._version import __version__
from tacit.party import Party
from tacit.runtime.face import ledger, party, profile, run
from tacit.settings import Settings

__all__ = ["Party", "Settings", "__version__", "ledger", "party", "profile", "run"]
