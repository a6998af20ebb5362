"""From a cluster file, and the environment, to a cluster."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from tacit.config.checks import checks
from tacit.config.environment import override
from tacit.config.explain import explained
from tacit.config.findings import ConfigError, Finding, Places
from tacit.config.models import ClusterFile
from tacit.config.positions import Path, positions
from tacit.errors import MisuseError
from tacit.runtime.cluster import Cluster
from tacit.settings import Settings

MAX_BYTES = 1 << 20

_INT64 = 1 << 63


def read_cluster(path: FilePath, environ: Mapping[str, str] | None = None) -> Cluster:
    """The cluster that the file at ``path`` describes, as ``environ`` (this process's) overrides it.

    Raises ConfigError with everything that is wrong in it, MisuseError for a file that cannot be read.
    """
    return parse_cluster(_text(path), str(path), os.environ if environ is None else environ)


def parse_cluster(text: str, source: str, environ: Mapping[str, str]) -> Cluster:
    """The same for a ``text`` that came from ``source``."""
    try:
        content, lines = tomllib.loads(text), positions(text)
    except RecursionError:
        raise ConfigError([Finding((), "is nested too deeply.", source)], source) from None
    except ValueError as error:
        raise ConfigError([_not_toml(error, source)], source) from None
    origins, findings = override(content, environ)
    huge = list(_huge(content))
    findings += huge
    file: ClusterFile | None = None
    try:
        file = ClusterFile.model_validate(content)
    except ValidationError as error:
        findings += [one for one in explained(error) if one.path not in {other.path for other in huge}]
    findings += checks(content, {finding.path for finding in findings})
    places = Places(source, lines, origins)
    if findings or file is None:
        placed = [one if one.where else places.placed(one, content) for one in findings]
        raise ConfigError(sorted(placed, key=_order), source)
    settings = Settings(**file.model_dump(include={"settings"})["settings"])
    parties = {name: line.address for name, line in file.parties.items()}
    try:
        pins = {name: tuple(pinned) for name, pinned in file.certificates.items()}
        return Cluster(file.session, parties, file.dealer, settings, pins)
    except MisuseError as error:
        raise ConfigError([Finding((), str(error), source)], source) from None


def _text(path: FilePath) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MisuseError(f"there is no file {path}: `tacit init` writes one.") from None
    except OSError as error:
        raise MisuseError(f"cannot read {path}: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise MisuseError(f"{path} is no cluster file: it has more than {MAX_BYTES >> 20} MB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise MisuseError(f"{path}:{line}: is not valid TOML: it has to be UTF-8.") from None


def _not_toml(error: ValueError, source: str) -> Finding:
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
    where = f"{source}:{found[1]}" if found and found[1] else source
    text = str(error)[: found.start()] if found else "a number is too large"
    return Finding((), f"is not valid TOML: {text}{'' if found is None or found[1] else ' at its end'}.", where)


def _huge(value: Any, path: Path = ()) -> Iterator[Finding]:
    """Whole numbers beyond the 64 bits that TOML allows: `tomllib` takes them, and they cannot even be printed."""
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        yield Finding(path, "is a whole number that does not fit 64 bits.")
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _huge(inner, (*path, key))


def _order(finding: Finding) -> int:
    """Findings of variables first, then by line."""
    _, _, line = finding.where.rpartition(":")
    return int(line) if line.isdigit() else 0
