"""``tacit dealer``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tacit.cli.failure import doctor_hint, explained
from tacit.cli.options import CertsOption, DeviceOption, ListenOption, ThreadsOption
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
) -> None:
    """Be the dealer of one session: supply random numbers to its parties, see no data, end with them.

    Whoever runs the dealer must not work together with any party: the two could read every secret of the session.
    """
    with explained("dealer"):
        from tacit.cli.clusterfile import address, read_cluster
        from tacit.runtime.cluster import run_dealer

        cluster = read_cluster(config)
        with doctor_hint(config, DEALER):
            run_dealer(cluster, threads, device, certs, address("--listen", listen) if listen else None)
        typer.echo(f"Dealt to {', '.join(cluster.names)} until they had finished.")
