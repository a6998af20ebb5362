"""A cluster file as `tacit init` writes it: complete, with a word about each table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tacit.runtime.rendezvous import Address

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def cluster_text(
    session: str,
    parties: Mapping[str, Address | None],
    dealer: Address | None,
    pins: Mapping[str, Sequence[str]],
    missing: Sequence[str] = (),
) -> str:
    """The text of a cluster file.

    dealer: None where randomness is dealt ahead of time. missing: nodes whose fingerprints are still to come.
    """
    lines = [
        "# The same file at every host. Every key: docs/configuration.md",
        "",
        "# Any text, the same at all; another one for every run.",
        f"session = {quoted(session)}",
    ]
    if dealer is not None:
        lines += [
            "",
            "# Supplies random numbers and sees no data. Whoever runs it must not work together with any party.",
            f"dealer = {quoted(written(dealer))}",
        ]
    lines += ["", '# In order of rank. "": nobody can reach it, it connects to the others.', "[parties]"]
    lines += [f"{key(name)} = {quoted(written(at))}" for name, at in parties.items()]
    if pins or missing:
        lines += ["", "# What `tacit certs show NAME` prints at each host, brought here by a way that you trust."]
        lines += ["[certificates]"]
        lines += [f"{key(name)} = {_one_or_several(known)}" for name, known in pins.items()]
        lines += [f'# {key(name)} = "sha256:..."    # still to come' for name in missing]
    lines += ["", "# The same at all; what is not here has its default.", "[settings]"]
    lines += ["# connect_timeout = 60    # seconds to wait for the others"]
    if dealer is None:
        lines += ['randomness = "directory"    # dealt ahead of time: tacit plan, tacit deal, tacit run --material']
    return "\n".join(lines) + "\n"


def written(address: Address | None) -> str:
    """``"host:port"``, with brackets around IPv6; empty for a party that cannot be reached."""
    if address is None:
        return ""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def key(name: str) -> str:
    """A key, in quotes where it must be."""
    return name if _BARE.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """A TOML string."""
    plain = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(plain.get(one, one if one.isprintable() else f"\\U{ord(one):08x}") for one in text) + '"'


def _one_or_several(pins: Sequence[str]) -> str:
    return quoted(pins[0]) if len(pins) == 1 else "[" + ", ".join(map(quoted, pins)) + "]"
