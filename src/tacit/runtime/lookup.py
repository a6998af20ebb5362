"""From the name of a host to its addresses, without waiting: a resolver may take seconds."""

from __future__ import annotations

import ipaddress
import socket
import threading
from time import monotonic
from typing import Any

_AGAIN_SECONDS = 2.0

Target = tuple[socket.AddressFamily, tuple[Any, ...]]
"""A family of addresses, and what ``connect`` takes."""


class Lookup:
    """Addresses of one host, IPv6 and IPv4; looked up again while there are none. note: why there are none."""

    note = ""

    def __init__(self, address: tuple[str, int]) -> None:
        self._host, self._port = address
        self._found: list[Target] = []
        self._thread: threading.Thread | None = None
        self._due = 0.0
        try:
            six = ipaddress.ip_address(self._host).version == 6
        except ValueError:
            return
        self._found = [(socket.AF_INET6 if six else socket.AF_INET, address)]

    def found(self) -> list[Target]:
        """The addresses that are known by now."""
        now = monotonic()
        if not self._found and now >= self._due and (self._thread is None or not self._thread.is_alive()):
            self._due = now + _AGAIN_SECONDS
            self._thread = threading.Thread(target=self._ask, name=f"tacit lookup {self._host}", daemon=True)
            self._thread.start()
            self._thread.join(0.05)  # most resolvers answer at once
        return self._found

    def _ask(self) -> None:
        try:
            answers = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self.note = f"the name '{self._host}' has no address ({getattr(error, 'strerror', None) or 'not a name'})"
            return
        self.note = ""
        self._found = [(answer[0], answer[4]) for answer in answers]
