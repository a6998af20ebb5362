"""What protects a connection. TLS will be another ``Security``; nothing else changes with it."""

from __future__ import annotations

import ipaddress
import socket
from abc import ABC, abstractmethod

from tacit.errors import MisuseError


class Security(ABC):
    """Wraps each new connection on both sides, before any frame."""

    loopback_only: bool

    @abstractmethod
    def check_address(self, host: str) -> None:
        """Raise MisuseError when connections to or at ``host`` cannot be protected."""

    @abstractmethod
    def wrap_client(self, sock: socket.socket, peer: str) -> socket.socket:
        """Protect a connection made to ``peer``."""

    @abstractmethod
    def wrap_server(self, sock: socket.socket) -> socket.socket:
        """Protect a connection accepted from somebody."""


class PlainLoopback(Security):
    """No protection: only between processes of one machine."""

    loopback_only = True

    def check_address(self, host: str) -> None:
        """Raise MisuseError unless ``host`` is a loopback address."""
        if host == "localhost":
            return
        try:
            safe = ipaddress.ip_address(host).is_loopback
        except ValueError:
            safe = False
        if not safe:
            raise MisuseError(
                f"plain TCP is for one machine only, and {host!r} is not a loopback address. "
                "Use 127.0.0.1; connections between machines (TLS) are not built yet."
            )

    def wrap_client(self, sock: socket.socket, peer: str) -> socket.socket:
        """The connection as it is."""
        return sock

    def wrap_server(self, sock: socket.socket) -> socket.socket:
        """The connection as it is."""
        return sock
