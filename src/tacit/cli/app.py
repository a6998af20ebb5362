"""The ``tacit`` command and what all its parts have in common.

The modules of the commands import what stands on PyTorch inside their functions: help, and what is wrong with a command
line, come at once, and PyTorch takes seconds.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tacit._version import __version__
from tacit.cli.certs import certs_app
from tacit.cli.deal import deal_command
from tacit.cli.dealer import dealer_command
from tacit.cli.demo import demo_app
from tacit.cli.doctor import doctor_command
from tacit.cli.init import init_command
from tacit.cli.keys import keys_command
from tacit.cli.ledger import ledger_app
from tacit.cli.plan import plan_command
from tacit.cli.run import run_command
from tacit.cli.status import status_command

app = typer.Typer(
    name="tacit",
    help="Secure multi-party computation for PyTorch: several parties run one program, nobody sees the others' data.",
    epilog="Start with `tacit demo`, then `tacit run examples/average.py --parties lab,clinic --show`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(demo_app, name="demo")
app.add_typer(certs_app, name="certs")
app.add_typer(ledger_app, name="ledger")
app.command("run")(run_command)
app.command("dealer")(dealer_command)
app.command("init")(init_command)
app.command("doctor")(doctor_command)
app.command("status")(status_command)
app.command("keys")(keys_command)
app.command("plan")(plan_command)
app.command("deal")(deal_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tacit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Nothing but the options that stand before a command."""
