"""``tacit certs``: the key and certificate by which a node is known to the others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tacit.cli.failure import explained
from tacit.cli.machine import print_json
from tacit.cli.options import CertsOption, JsonOption
from tacit.party import DEALER, check_name
from tacit.runtime.defaults import CERTS
from tacit.transport import certificates
from tacit.transport.certificates import DAYS, Identity, fingerprint

certs_app = typer.Typer(
    help="Make, show and renew the certificate by which the others know a node.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The party's name, or 'dealer'.", show_default=False)]
DaysOption = Annotated[int, typer.Option(min=1, max=3650, help="For how long it is valid.")]
ByOption = Annotated[
    str,
    typer.Option("--by", metavar="NAME", help="The authority that issues it, in the same folder.", show_default=False),
]


@certs_app.command("init")
def init_command(
    name: NameArgument,
    certs: CertsOption = Path(CERTS),
    days: DaysOption = DAYS,
    authority: Annotated[
        bool, typer.Option("--authority", help="Make one that issues certificates for others.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key and a certificate for a node of this host, and print the line that all nodes put into their file.

    NAME.key stays on this host and is readable by its owner only. Give the line to the others by a way that you trust:
    who can change it can take this node's place.
    """
    with explained("certs init", as_json):
        _tell(name, certificates.make(_checked(name), certs, days, authority=authority), certs, as_json)


@certs_app.command("issue")
def issue_command(
    name: NameArgument,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="The authority, in the same folder.")],
    certs: CertsOption = Path(CERTS),
    days: DaysOption = DAYS,
    as_json: JsonOption = False,
) -> None:
    """Issue a certificate for another node by an authority (tacit certs init --authority).

    The others then pin the authority's fingerprint instead of the node's. NAME.key and NAME.crt go to the node's host.
    """
    with explained("certs issue", as_json):
        _tell(name, certificates.make(_checked(name), certs, days, by=certificates.read(by, certs)), certs, as_json)


@certs_app.command("show")
def show_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; all of the folder unless said.")
    ] = None,
    certs: CertsOption = Path(CERTS),
    as_json: JsonOption = False,
) -> None:
    """Show names, fingerprints and when they expire. Needs no key."""
    with explained("certs show", as_json):
        found = [name.removesuffix(".crt") for name in names or sorted(path.name for path in certs.glob("*.crt"))]
        shown = [_shown(name, certs) for name in found]
        if as_json:
            print_json(shown)
            return
        for one in shown:
            typer.echo(f'{one["name"]} = "{one["fingerprint"]}"    # {one["state"]}')
        if not shown:
            typer.echo(f"There is no certificate in {certs}: tacit certs init NAME makes one.")


@certs_app.command("renew")
def renew_command(
    name: NameArgument,
    certs: CertsOption = Path(CERTS),
    days: DaysOption = DAYS,
    by: ByOption = "",
    new_key: Annotated[
        bool, typer.Option("--new-key", help="With a new key, whose fingerprint the others must get to know.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a new certificate for a node. With the same key nobody else has to do anything.

    With a new key, first let all nodes list both fingerprints (NAME = ["old", "new"]); then restart this node.
    """
    with explained("certs renew", as_json):
        issuer = certificates.read(by, certs) if by else None
        _tell(name, certificates.renew(name, certs, days, new_key, issuer), certs, as_json)


def _checked(name: str) -> str:
    if name != DEALER:
        check_name(name)
    return name


def _tell(name: str, identity: Identity, folder: Path, as_json: bool) -> None:
    pinned = identity.issuers[0] if identity.issuers else identity.certificate
    until = identity.certificate.not_valid_after_utc
    if as_json:
        files = {"key": f"{folder / name}.key", "certificate": f"{folder / name}.crt"}
        print_json({"name": name, "fingerprint": fingerprint(pinned), "valid_until": until.isoformat(), **files})
        return
    typer.echo(f"{folder / name}.key stays here; {folder / name}.crt is valid until {until:%Y-%m-%d}.")
    typer.echo("All nodes list it in their cluster file:\n\n[certificates]")
    typer.echo(f'{name} = "{fingerprint(pinned)}"')


def _shown(name: str, folder: Path) -> dict[str, Any]:
    certificate = certificates.read_certificates(folder / f"{name}.crt")[0]
    until, now = certificate.not_valid_after_utc, datetime.now(UTC)
    days = (until - now).days
    state = f"valid until {until:%Y-%m-%d}, {days} days" if until > now else f"EXPIRED on {until:%Y-%m-%d}"
    return {
        "name": name,
        "fingerprint": fingerprint(certificate),
        "valid_until": until.isoformat(),
        "expired": until <= now,
        "state": state,
    }
