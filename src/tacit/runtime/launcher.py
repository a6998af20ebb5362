"""``tacit.run`` and ``tacit.plan``: all parties of a session on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tacit import protocols
from tacit.correlations.directory import Material
from tacit.correlations.dry_run import DryRun
from tacit.correlations.plan import Plan
from tacit.disclosure.oversight import Oversight
from tacit.errors import MisuseError
from tacit.party import check_names
from tacit.runtime import wiring
from tacit.runtime.cores import check_threads
from tacit.runtime.defaults import KEYS, ON_CPU, ONE
from tacit.runtime.devices import check_device
from tacit.runtime.threads import run_threads
from tacit.settings import Settings

if TYPE_CHECKING:
    from tacit.disclosure.policy import Policy

PolicyLike: TypeAlias = "str | Path | Policy | Mapping[str, Any]"


def run(
    fn: Callable[..., Any],
    parties: Sequence[str],
    args: Sequence[Any] = (),
    backend: Literal["threads", "processes"] = "threads",
    settings: Settings | None = None,
    material: str | Path | None = None,
    keys: str | Path = KEYS,
    threads: int = ONE,
    device: str = ON_CPU,
    policies: Mapping[str, PolicyLike] | None = None,
    ledger: str | Path | None = None,
) -> dict[str, Any]:
    """Run ``fn(*args)`` as every party, here; returns what it returned at each party, by name.

    parties: two or more names. backend: ``"threads"`` (quick; parties take turns) or ``"processes"`` (each party, and
    the dealer, in its own process, over TCP on loopback). material: a folder that ``tacit deal`` wrote, instead of a
    dealer; the run uses up one part of it. keys: the folder with the parties' keys, for material. threads: what each
    party, and the dealer, computes with, PyTorch's own operations included; results are the same for any number.
    device: where all of them compute, ``"cpu"`` or ``"cuda"``; what the program sees lies on the CPU all the same.
    policies: what a party lets be revealed to whom (docs/policy.md), by the party's name: a TOML file, or what stands
    in its table [policy] as a dict. ledger: a folder for the parties' ledgers of reveals, a file each.
    Raises PartyFailedError, naming the first party that failed and showing its own traceback.
    """
    names = check_names(parties)
    check_threads(threads)
    check_device(device)
    supply = None if material is None else Material(Path(material), Path(keys))
    if settings is None:
        settings = Settings() if supply is None else Settings(randomness="directory")
    wiring.check_supply(settings, supply)
    if not callable(fn):
        raise MisuseError(f"tacit.run(fn, ...) needs a function, got {type(fn).__name__}.")
    if supply is not None:
        supply.check(names, names, settings)
    oversight = _oversight(names, policies or {}, ledger)
    for each in oversight.values():
        each.check(names, settings)
    if backend == "threads":
        return run_threads(fn, names, tuple(args), settings, supply, threads, device, oversight)
    if backend == "processes":
        from tacit.runtime.processes import run_processes

        return run_processes(fn, names, tuple(args), settings, supply, threads, device, None, oversight)
    raise MisuseError(f"tacit.run(backend={backend!r}) is not known. Choose one of 'threads', 'processes'.")


def _oversight(
    names: tuple[str, ...], policies: Mapping[str, PolicyLike], ledger: str | Path | None
) -> dict[str, Oversight]:
    """What each party is to be overseen by, if anything. Raises MisuseError."""
    for name in policies:
        if name not in names:
            raise MisuseError(f"there is a policy of '{name}', who is no party; the parties are {', '.join(names)}.")
    folder = None if ledger is None else Path(ledger)
    return {name: Oversight(_policy(name, policies.get(name)), folder) for name in names}


def _policy(name: str, content: PolicyLike | None) -> Policy | None:
    if content is None:
        return None
    from tacit.disclosure.policy import make_policy, read_policy

    if isinstance(content, str | Path):
        return read_policy(content)
    try:
        return make_policy(content)
    except MisuseError as error:
        raise MisuseError(f"the policy of '{name}': {error}.") from None


def plan(
    fn: Callable[..., Any], parties: Sequence[str], args: Sequence[Any] = (), settings: Settings | None = None
) -> Plan:
    """What a dealer needs to know to deal for ``fn(*args)`` ahead of time: a dry run, all parties as threads here.

    Inputs must have the shapes of those to come; their values are not in the plan. ``.save(path)`` writes it for
    `tacit deal`. Raises PartyFailedError as ``run`` does, and MisuseError for a protocol that needs no dealer.
    """
    names = check_names(parties)
    settings = replace(settings if settings is not None else Settings(), randomness="directory")
    if not protocols.needs_source(settings):
        raise MisuseError(f"protocol={settings.protocol!r} needs nothing from a dealer, so there is nothing to plan.")
    dry_run = DryRun(names, settings)
    run_threads(fn, names, tuple(args), settings, dry_run)
    return dry_run.plan()
