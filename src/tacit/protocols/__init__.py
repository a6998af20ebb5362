"""Protocols: arithmetic on shares. A protocol is a folder that implements ``Protocol`` and passes the suites."""

from tacit.protocols._base import Protocol
from tacit.protocols.factory import make_protocol, needs_source
from tacit.protocols.share import EVERYONE, Share, Storage

__all__ = ["EVERYONE", "Protocol", "Share", "Storage", "make_protocol", "needs_source"]
