"""Host and port as they are written."""

from __future__ import annotations

from tacit.errors import MisuseError
from tacit.runtime.rendezvous import Address

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
    bare = host.removeprefix("[").removesuffix("]")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    if not bare or not 0 < number < 1 << 16 or not bare.isprintable() or " " in bare or len(bare) > 255:
        raise MisuseError(f'must be like "{EXAMPLE}", got {_short(text)}.')
    if ":" in bare and host == bare:
        raise MisuseError(f'of IPv6 has brackets around it, like "[2001:db8::1]:7001", got {_short(text)}.')
    return bare, number


def _short(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= 80 else shown[:80] + "..."
