"""The TOML file that says who is where.

session = "digits, 3 May"      # any text; the same at all, another one for every run
dealer = "127.0.0.1:7000"

[parties]                      # in order of rank
lab = "127.0.0.1:7001"
clinic = "127.0.0.1:7002"

[settings]                     # optional
frac_bits = 16
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tacit.cli.settings import make_settings
from tacit.errors import MisuseError
from tacit.runtime.cluster import Cluster
from tacit.runtime.launcher import check_names
from tacit.runtime.rendezvous import Address
from tacit.transport.security import PlainLoopback

_KEYS = ("session", "dealer", "parties", "settings")


def read_cluster(path: Path) -> Cluster:
    """The cluster that the file at ``path`` describes. Raises MisuseError for anything wrong in it."""
    content = _content(path)
    try:
        unknown = [key for key in content if key not in _KEYS]
        if unknown:
            raise MisuseError(f"{', '.join(unknown)} means nothing here; the keys are {', '.join(_KEYS)}.")
        session = content.get("session")
        if not isinstance(session, str) or not session:
            raise MisuseError('it needs session = "...", any text that is the same at all parties.')
        parties = _table(content, "parties")
        if not parties:
            raise MisuseError('it needs a table [parties] with lines such as lab = "127.0.0.1:7001".')
        addresses = {name: _address(name, parties[name]) for name in check_names(list(parties))}
        dealer = _address("dealer", content["dealer"]) if "dealer" in content else None
        return Cluster(session, addresses, dealer, make_settings(_table(content, "settings")))
    except MisuseError as error:
        raise type(error)(f"{path}: {error}") from None


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MisuseError(f"there is no file {path}.") from None
    except OSError as error:
        raise MisuseError(f"cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MisuseError(f"{path} is not valid TOML: {error}.") from None


def _table(content: dict[str, Any], key: str) -> dict[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise MisuseError(f"[{key}] must be a table.")
    return table


def _address(name: str, text: Any) -> Address:
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise MisuseError(f'the address of {name} must be like "127.0.0.1:7001", got {text!r}.')
    host = host.removeprefix("[").removesuffix("]")
    PlainLoopback().check_address(host)
    return host, int(port)
