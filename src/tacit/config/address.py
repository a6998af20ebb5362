"""Host and port as they are written."""

from __future__ import annotations

import ipaddress
import re

from tacit.errors import MisuseError
from tacit.runtime.rendezvous import Address

_HOST = re.compile(r"[\w.-]{1,255}")  # also names that are not ASCII

EXAMPLE = "192.0.2.1:7001"


def address(name: str, text: object) -> Address:
    """The host and port that ``text`` says. Raises MisuseError, naming what it is the address of, for anything else."""
    try:
        return parse_address(text)
    except MisuseError as error:
        raise MisuseError(f"the address of {name} {error}") from None


def parse_address(text: object) -> Address:
    """``"host:port"``, ``"192.0.2.1:port"`` or ``"[2001:db8::1]:port"``. Raises MisuseError."""
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    if not host or not 0 < number < 1 << 16:
        raise MisuseError(f'must be like "{EXAMPLE}", got {_short(text)}.')
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not _is_ipv6(host):
            raise MisuseError(f"must have an address of IPv6 between the brackets, got {_short(text)}.")
    elif _is_ipv6(host):
        raise MisuseError(
            f'must have brackets around an address of IPv6, like "[2001:db8::1]:7001", got {_short(text)}.'
        )
    elif not _HOST.fullmatch(host):
        raise MisuseError(f'must be like "{EXAMPLE}", got {_short(text)}.')
    return host, number


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


def _short(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= 80 else shown[:80] + "..."
