"""The TOML file that says who is where.

session = "digits, 3 May"      # any text; the same at all, another one for every run
dealer = "127.0.0.1:7000"

[parties]                      # in order of rank
lab = "127.0.0.1:7001"
clinic = "127.0.0.1:7002"      # "": this one cannot be reached, it connects to the others

[certificates]                 # needed as soon as a node is on another machine: what `tacit certs show` prints
lab = "sha256:..."
clinic = ["sha256:...", "sha256:..."]    # two while one is being replaced
dealer = "sha256:..."

[settings]                     # optional
frac_bits = 16
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tacit.cli.settings import make_settings
from tacit.errors import MisuseError
from tacit.party import check_names
from tacit.runtime.cluster import Cluster
from tacit.runtime.rendezvous import Address
from tacit.transport.certificates import check_fingerprint

_KEYS = ("session", "dealer", "parties", "certificates", "settings")


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
        addresses = {name: parties[name] and address(name, parties[name]) for name in check_names(list(parties))}
        addresses = {name: found or None for name, found in addresses.items()}
        dealer = address("dealer", content["dealer"]) if "dealer" in content else None
        pins = {name: _pins(name, value) for name, value in _table(content, "certificates").items()}
        return Cluster(session, addresses, dealer, make_settings(_table(content, "settings")), pins)
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


def _pins(name: str, value: Any) -> tuple[str, ...]:
    try:
        return tuple(check_fingerprint(text) for text in (value if isinstance(value, list) else [value]))
    except MisuseError as error:
        raise MisuseError(f"the certificate of {name}: {error}") from None


def address(name: str, text: Any) -> Address:
    """The host and port that ``text`` says. Raises MisuseError for anything else."""
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise MisuseError(f'the address of {name} must be like "127.0.0.1:7001", got {text!r}.')
    host = host.removeprefix("[").removesuffix("]")
    return host, int(port)
