"""What no model sees: whether the tables of a cluster file fit together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import Any

from tacit.config.address import parse_address
from tacit.config.explain import nearest
from tacit.config.findings import Finding
from tacit.config.positions import Path
from tacit.config.settings_table import faults
from tacit.errors import MisuseError
from tacit.party import DEALER
from tacit.runtime.roles import needs_dealer
from tacit.settings import Settings
from tacit.transport.security import is_loopback


def checks(content: Mapping[str, Any], wrong: Collection[Path]) -> Iterator[Finding]:
    """What does not fit in ``content``, leaving out what is ``wrong`` already."""
    parties, certificates = (_table(content, key, wrong) for key in ("parties", "certificates"))
    if parties is not None:
        yield from _parties(parties)
    values = _table(content, "settings", wrong)
    if values is not None:
        right = {name: value for name, value in values.items() if ("settings", name) not in wrong}
        yield from _settings(right, DEALER in content or len(right) < len(values))
    if parties is None or certificates is None:
        return
    yield from _reachable(parties, content.get(DEALER), certificates)
    if certificates:
        nodes = [*parties, *([DEALER] if DEALER in content else [])]
        yield from _certificates(nodes, certificates)


def _table(content: Mapping[str, Any], key: str, wrong: Collection[Path]) -> Mapping[str, Any] | None:
    found = content.get(key, None if (key,) in wrong else {})
    return found if isinstance(found, Mapping) else None


def _parties(parties: Mapping[str, Any]) -> Iterator[Finding]:
    if len(parties) < 2:
        yield Finding(("parties",), "a session needs at least two parties, each with a line here.")
    hidden = [name for name, line in parties.items() if _address(line) == ""]
    for first, second in combinations(hidden, 2):
        text = f"neither '{first}' nor '{second}' can listen, so they cannot meet: one of them needs an address."
        yield Finding(("parties", second), text)


def _settings(values: Mapping[str, Any], dealer: bool) -> Iterator[Finding]:
    found = faults(values)
    for name, text in found.items():
        yield Finding(("settings", name) if name else ("settings",), text)
    if not found and not dealer and needs_dealer(Settings(**values)):
        yield Finding(
            (DEALER,),
            'is missing: randomness = "dealer" needs a line such as dealer = "192.0.2.3:443"; or deal ahead of time, '
            'with randomness = "directory" under [settings].',
        )


def _reachable(parties: Mapping[str, Any], dealer: Any, certificates: Mapping[str, Any]) -> Iterator[Finding]:
    if certificates:
        return
    places = {("parties", name): _address(line) for name, line in parties.items()} | {(DEALER,): dealer}
    for path, text in places.items():
        try:
            host, _ = parse_address(text)
        except MisuseError:
            continue
        if not is_loopback(host):
            yield Finding(
                path,
                f"without certificates everything stays on one machine, and {host!r} is not a loopback address. Give "
                "each node a certificate (tacit certs init NAME) and list the fingerprints under [certificates].",
            )


def _certificates(nodes: list[str], certificates: Mapping[str, Any]) -> Iterator[Finding]:
    for name in nodes:
        if name not in certificates:
            yield Finding(
                ("certificates",),
                f"every node needs its certificate's fingerprint: {name} has none. `tacit certs show {name}` on its "
                "host prints the line.",
            )
    for name in certificates:
        if name not in nodes:
            hint = nearest(name, nodes) or "."
            yield Finding(
                ("certificates", name), f"{name} is no node of this cluster{hint} The nodes are {', '.join(nodes)}."
            )


def _address(line: Any) -> Any:
    return line.get("address") if isinstance(line, Mapping) else line
