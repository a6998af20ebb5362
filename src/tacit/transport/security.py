"""What protects a connection, from its first byte: nothing on one machine, TLS between machines.

A ``Security`` makes an ``Entrance`` of each new connection. Both ends greet through it; then it becomes a ``Wire``.
"""

from __future__ import annotations

import ipaddress
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence

from tacit.errors import MisuseError
from tacit.transport.sockets import PeerGone
from tacit.transport.wire import PlainWire, Wire


class Entrance(Wire):
    """A connection on which both ends still have to say who they are.

    note: why it failed, in words for the operator; nothing of what a stranger sent.
    """

    note = ""

    @abstractmethod
    def ready(self) -> bool:
        """Go on with the handshake, without waiting; whether it is done. Raises PeerGone when it failed."""

    @abstractmethod
    def is_from(self, name: str) -> bool:
        """Whether the other end may be the node ``name``."""

    @abstractmethod
    def wire(self, peer: str, purpose: str, caller: bool) -> Wire:
        """The connection with ``peer`` from the end of the greeting on. caller: whether this end made it."""


class Security(ABC):
    """Stands at the entrance of every connection, on both sides."""

    @abstractmethod
    def check_address(self, host: str) -> None:
        """Raise MisuseError when connections to or at ``host`` cannot be protected."""

    @abstractmethod
    def to(self, sock: socket.socket, peer: str) -> Entrance:
        """The entrance of a connection made to ``peer``."""

    @abstractmethod
    def of_stranger(self, sock: socket.socket) -> Entrance:
        """The entrance of a connection that somebody made."""


class PlainLoopback(Security):
    """No protection: only between processes of one machine."""

    def check_address(self, host: str) -> None:
        """Raise MisuseError unless ``host`` is a loopback address."""
        if not is_loopback(host):
            raise MisuseError(
                f"without certificates everything stays on one machine, and {host!r} is not a loopback address. Give "
                "each node a certificate (tacit certs init NAME) and list the fingerprints under [certificates]."
            )

    def to(self, sock: socket.socket, peer: str) -> Entrance:
        """The connection as it is."""
        return _OpenDoor(sock)

    def of_stranger(self, sock: socket.socket) -> Entrance:
        """The connection as it is."""
        return _OpenDoor(sock)


class _OpenDoor(Entrance, PlainWire):
    def ready(self) -> bool:
        return True

    def is_from(self, name: str) -> bool:
        return True

    def wire(self, peer: str, purpose: str, caller: bool) -> Wire:
        return PlainWire(self.sock)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine itself, whatever a resolver says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def write_all(entrance: Entrance, data: bytes) -> None:
    """Write a greeting, which is small enough to go at once. Raises PeerGone when it does not."""
    parts: Sequence[memoryview] = [memoryview(data)]
    if entrance.write_some(parts) != len(data):
        raise PeerGone
