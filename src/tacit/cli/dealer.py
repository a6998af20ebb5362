"""``tacit dealer``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tacit.cli.failure import doctor_hint, explained
from tacit.cli.machine import print_json
from tacit.cli.operating import log_settings, operated
from tacit.cli.options import (
    CertsOption,
    DeviceOption,
    JsonOption,
    ListenOption,
    LogFormat,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    MetricsOption,
    ThreadsOption,
)
from tacit.party import DEALER
from tacit.runtime.defaults import CERTS, ON_CPU, ONE


def dealer_command(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="The TOML file that says who is where.", show_default=False)
    ],
    threads: ThreadsOption = ONE,
    device: DeviceOption = ON_CPU,
    certs: CertsOption = Path(CERTS),
    listen: ListenOption = "",
    as_json: JsonOption = False,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.WARNING,
    metrics: MetricsOption = "",
) -> None:
    """Be the dealer of one session: supply random numbers to its parties, see no data, end with them.

    Whoever runs the dealer must not work together with any party: the two could read every secret of the session.
    """
    with explained("dealer", as_json):
        from tacit.cli.clusterfile import address, read_cluster
        from tacit.runtime.cluster import run_dealer

        cluster = read_cluster(config)
        at = address("--listen", listen) if listen else None
        log = log_settings(log_format, log_level)
        with doctor_hint(config, DEALER), operated(cluster, DEALER, log, metrics) as observer:
            run_dealer(cluster, threads, device, certs, at, observer)
        if as_json:
            dealer, transport = observer.dealer, observer.transport
            print_json(
                {
                    "parties": list(cluster.names),
                    "requests": dealer.answered if dealer is not None else 0,
                    "bytes_sent": transport.statistics.bytes_sent if transport is not None else 0,
                }
            )
            return
        typer.echo(f"Dealt to {', '.join(cluster.names)} until they had finished.")
