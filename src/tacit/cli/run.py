"""``tacit run``: a job file as all parties of a local session, or as one party of a cluster."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from tacit.cli.failure import doctor_hint, explained
from tacit.cli.jobfile import check_job_file
from tacit.cli.machine import kept_clean, print_json
from tacit.cli.operating import log_settings, operated
from tacit.cli.options import (
    AssignmentsOption,
    Backend,
    BackendOption,
    CertsOption,
    ConfigOption,
    DeviceOption,
    JobArgument,
    JsonOption,
    KeysOption,
    LedgerOption,
    ListenOption,
    LogFormat,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    MetricsOption,
    PolicyOption,
    ThreadsOption,
)
from tacit.cli.policies import read_policies
from tacit.cli.settings import make_settings, parse_assignments
from tacit.disclosure.oversight import Oversight
from tacit.errors import LinkError, MisuseError, PeerError
from tacit.party import check_names
from tacit.runtime.defaults import CERTS, KEYS, LEDGERS, ON_CPU, ONE

if TYPE_CHECKING:
    from tacit.cli.outcome import Outcome
    from tacit.correlations import Supply
    from tacit.operation.logs import LogSettings
    from tacit.runtime.cluster import Cluster

_WHO = "say who takes part: --parties lab,clinic, or --config cluster.toml --party lab."


def run_command(
    job: JobArgument,
    parties: Annotated[
        str, typer.Option(metavar="NAME,NAME,...", help="Run all these parties on this machine.", show_default=False)
    ] = "",
    backend: BackendOption = Backend.PROCESSES,
    config: ConfigOption = None,
    party: Annotated[
        str, typer.Option(metavar="NAME", help="With --config: the party to be on this host.", show_default=False)
    ] = "",
    protocol: Annotated[
        str, typer.Option(help="additive (secure, the default) or plaintext (not secure).", show_default=False)
    ] = "",
    randomness: Annotated[
        str, typer.Option(help="dealer (the default) or insecure_local (for tests and teaching).", show_default=False)
    ] = "",
    material: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Instead of a dealer: what `tacit deal` wrote.", show_default=False),
    ] = None,
    keys: KeysOption = Path(KEYS),
    threads: ThreadsOption = ONE,
    device: DeviceOption = ON_CPU,
    certs: CertsOption = Path(CERTS),
    listen: ListenOption = "",
    policy: PolicyOption = None,
    ledger: LedgerOption = None,
    assignments: AssignmentsOption = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print what the parties returned, not only of what kind.")
    ] = False,
    costs: Annotated[
        bool, typer.Option("--costs", help="Print rounds and bytes by operation, for each party.")
    ] = False,
    as_json: JsonOption = False,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.WARNING,
    metrics: MetricsOption = "",
) -> None:
    """Run job() of a file as every party: all of them here (--parties), or one of them (--config and --party).

    The file is loaded by each party by itself. Its own tacit.run(...) belongs under `if __name__ == "__main__":`.
    """
    log = log_settings(log_format, log_level)
    with explained("run", as_json):
        chosen = {"protocol": protocol, "randomness": randomness} | parse_assignments(assignments or [])
        settings = {name: value for name, value in chosen.items() if value}
        if material and not config:
            settings = {"randomness": "directory"} | settings
        check_job_file(job)
        if not (parties or party):
            raise MisuseError(_WHO)
        cluster = _cluster(config, settings) if config and party and not parties else None
        policies = read_policies(policy or [], party if config else "")
        from rich.console import Console

        from tacit.cli.outcome import run_job_file
        from tacit.cli.report import print_report
        from tacit.correlations.directory import Material
        from tacit.operation.logs import written
        from tacit.runtime.launcher import run

        start = perf_counter()
        if parties and not config and not party:
            if metrics:
                raise MisuseError("--metrics belongs to one node of a cluster: give --config and --party.")
            names = check_names([name.strip() for name in parties.split(",")])
            made = make_settings(settings)
            job_file = run_job_file, names, (str(job), show)
            with kept_clean(as_json), written(log):
                outcomes = run(*job_file, backend.literal, made, material, keys, threads, device, policies, ledger)
        elif config and cluster:
            supply = Material(material, keys) if material else None
            oversight = Oversight(policies.get(party), ledger or Path(LEDGERS))
            node = job, cluster, party, show, supply, threads, device, certs, listen
            with doctor_hint(config, party), kept_clean(as_json):
                outcomes = {party: _run_one(*node, log, metrics, oversight)}
        else:
            raise MisuseError(_WHO)
        seconds = perf_counter() - start
        if as_json:
            told = {name: outcome.as_json() for name, outcome in outcomes.items()}
            print_json({"job": job.name, "seconds": round(seconds, 3), "parties": told})
            return
        title = f"{job.name}, {seconds:.1f} s"
        print_report(Console(), outcomes, title, costs)


def _cluster(config: Path, settings: dict[str, str]) -> Cluster:
    from tacit.cli.clusterfile import read_cluster

    if settings:
        raise MisuseError(f"with --config, settings stand in {config}, so that all parties have the same.")
    return read_cluster(config)


def _run_one(
    job: Path,
    cluster: Cluster,
    party: str,
    show: bool,
    supply: Supply | None,
    threads: int,
    device: str,
    certs: Path,
    listen: str,
    log: LogSettings,
    metrics: str,
    oversight: Oversight,
) -> Outcome:
    from tacit.cli.clusterfile import address
    from tacit.cli.outcome import run_job_file
    from tacit.runtime.cluster import run_party
    from tacit.runtime.outcome import PartyFailure, party_failed

    started = False

    def live() -> Outcome:
        nonlocal started
        started = True
        return run_job_file(str(job), show)

    cluster.check_party(party)
    at = address("--listen", listen) if listen else None
    try:
        with operated(cluster, party, log, metrics, job.name) as observer:
            rest = certs, at, observer, oversight
            outcome: Outcome = run_party(cluster, party, live, (), supply, threads, device, *rest)
    except (LinkError, PeerError):
        raise  # somebody else's fault, and the message says whose
    except Exception as error:
        if not started:
            raise
        raise party_failed([PartyFailure.of(party, error)]) from None
    return outcome
