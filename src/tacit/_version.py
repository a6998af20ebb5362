"""The version of the package, and of what travels between parties."""

from __future__ import annotations

from importlib import metadata

try:
    __version__ = metadata.version("tacit")
except metadata.PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.1.0"

PROTOCOL_VERSION = 1
"""Raised by every change of what travels between parties: the handshake refuses another one."""
