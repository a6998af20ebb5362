"""``tacit keys``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tacit.cli.failure import explained
from tacit.cli.machine import print_json
from tacit.cli.options import JsonOption, KeysOption
from tacit.party import DEALER, check_name
from tacit.runtime.defaults import KEYS


def keys_command(
    name: Annotated[str, typer.Argument(help="The party's name, or 'dealer'.", show_default=False)],
    keys: KeysOption = Path(KEYS),
    as_json: JsonOption = False,
) -> None:
    """Make a key pair, to which (or by which) material is dealt ahead of time.

    NAME.key stays with its owner. NAME.pub goes to the dealer, and dealer.pub to every party, by a way that both trust:
    whoever can put another file in its place can read everything.
    """
    with explained("keys", as_json):
        from tacit.correlations.directory import make_keys

        if name != DEALER:
            check_name(name)
        secret, public = make_keys(name, keys)
        if as_json:
            print_json({"name": name, "key": str(secret), "public_key": str(public)})
            return
        others = "every party" if name == DEALER else "the dealer"
        typer.echo(f"Keep {secret} to yourself, and give {public} to {others}.")
