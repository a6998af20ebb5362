"""``tacit init``: a few questions, and the cluster file that they are about."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Mapping
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tacit.cli.failure import explained
from tacit.cli.options import CertsOption
from tacit.errors import MisuseError
from tacit.party import DEALER, check_names
from tacit.runtime.defaults import CERTS
from tacit.transport import certificates

if TYPE_CHECKING:
    from tacit.runtime.rendezvous import Address

AHEAD = "ahead"
_PARTIES = "lab=127.0.0.1:7001,clinic=127.0.0.1:7002"
_DEALER = "127.0.0.1:7000"
_FIRST_PORT = 7001
_SAY = "Say it with an option (tacit init --help)."

Answer = TypeVar("Answer")
Parties = dict[str, "Address | None"]


def init_command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = Path("cluster.toml"),
    parties: Annotated[
        str,
        typer.Option(metavar="NAME=HOST:PORT,...", help="In order of rank; NAME= for one that nobody can reach."),
    ] = "",
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="The party to be on this host, or 'dealer'.")] = "",
    dealer: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the dealer is, or 'ahead': dealt ahead of time.")
    ] = "",
    certs: CertsOption = Path(CERTS),
    pins: Annotated[
        list[str] | None,
        typer.Option(
            "--pin", metavar="NAME=sha256:...", help="Another node's fingerprint, as `tacit certs show` says."
        ),
    ] = None,
    session: Annotated[str, typer.Option(metavar="TEXT", help="What the session is called; made up unless said.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take the defaults for what is not said.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over FILE; what was there is kept beside it.")] = False,
) -> None:
    """Write a cluster file: who takes part, where, who deals random numbers, and by which certificates all are known.

    Asks for what the options do not say. Makes this host's certificate if nodes are on several machines.
    """
    with explained("init"):
        ask = _silent if yes else _asked
        kept = _may_write(path, yes, force)
        listed = ask("The parties, in order of rank, as NAME=HOST:PORT,...", parties, _PARTIES, _parties)
        me = ask("Which of them is this host? A party, or 'dealer'", name, next(iter(listed)), _one_of(listed))
        near = all(_is_here(address) for address in listed.values())
        question = "Who deals random numbers? HOST:PORT, or 'ahead' if they are dealt ahead of time"
        where = ask(question, dealer, _DEALER if near else None, _dealer)
        if where is None and me == DEALER:
            raise MisuseError("where randomness is dealt ahead of time, the dealer is no node of the session.")
        nodes = [*listed, *([DEALER] if where else [])]
        known: dict[str, list[str]] = {}
        if not near or not _is_here(where) or pins:
            certs = ask("The folder of this host's key and certificate", _said(certs), str(certs), Path)
            known = _fingerprints(me, nodes, certs, pins or [], ask)
        text = _checked(path, session or _made_up(list(listed)), listed, where, known)
        _write(path, text, kept)
        missing = [node for node in nodes if node not in known] if known else []
        _tell(path, me, missing, certs)


def _asked(question: str, said: str, default: str | None, read: Callable[[str], Answer]) -> Answer:
    """What was said on the command line, else the answer to ``question``, asked again until it can be read."""
    if said:
        return read(said)

    def answer(text: str) -> Answer:
        try:
            return read(text)
        except MisuseError as error:
            raise typer.BadParameter(str(error)) from None

    try:
        found: Answer = typer.prompt(question, default, value_proc=answer, err=True, show_default=bool(default))
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        raise MisuseError(f"nobody answers. {_SAY}") from None
    return found


def _silent(question: str, said: str, default: str | None, read: Callable[[str], Answer]) -> Answer:
    """The same without asking."""
    if not said and default is None:
        raise MisuseError(f"--yes has no default for this: {question}. {_SAY}")
    return read(said or default or "")


def _parties(text: str) -> Parties:
    from tacit.config.address import address

    entries = [entry.strip().partition("=") for entry in text.split(",")]
    names = check_names([name.strip() for name, _, _ in entries])
    found: Parties = {}
    for rank, (name, (_, equals, at)) in enumerate(zip(names, entries, strict=True)):
        here = ("127.0.0.1", _FIRST_PORT + rank)
        found[name] = (address(name, at.strip()) if at.strip() else None) if equals else here
    return found


def _dealer(text: str) -> Address | None:
    from tacit.config.address import address

    return None if text == AHEAD else address("the dealer", text)


def _one_of(parties: Parties) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in parties and text != DEALER:
            raise MisuseError(f"{text!r} is none of {', '.join(parties)}, {DEALER}.")
        return text

    return read


def _is_here(address: Address | None) -> bool:
    from tacit.transport.security import is_loopback

    return address is None or is_loopback(address[0])


def _said(certs: Path) -> str:
    return "" if certs == Path(CERTS) else str(certs)


def _fingerprints(
    me: str, nodes: list[str], folder: Path, pins: list[str], ask: Callable[..., str]
) -> dict[str, list[str]]:
    """Of each node, as far as they are known: said, in the folder, or answered. Makes this host's certificate."""
    known: dict[str, list[str]] = {}
    for pin in pins:
        name, _, value = pin.partition("=")
        if name not in nodes:
            raise MisuseError(f"--pin takes NAME=sha256:..., for one of {', '.join(nodes)}; got {pin!r}.")
        known.setdefault(name, []).append(certificates.check_fingerprint(value))
    if not (folder / f"{me}.key").exists() and me not in known:
        try:
            certificates.make(me, folder)
        except OSError as error:
            raise MisuseError(f"cannot make a certificate in {folder}: {error.strerror}.") from None
        typer.echo(f"Made {folder / me}.key, which stays on this host, and {folder / me}.crt.")
    for name in nodes:
        path = folder / f"{name}.crt"
        if name not in known and path.is_file():
            chain = certificates.read_certificates(path)
            known[name] = [certificates.fingerprint(chain[1] if chain[1:] else chain[0])]
    for name in nodes:
        if name not in known:
            question = f"The fingerprint of {name} (`tacit certs show {name}` at its host; Enter: not known yet)"
            if value := ask(question, "", "", _fingerprint):
                known[name] = [value]
    return {name: known[name] for name in nodes if name in known}


def _fingerprint(text: str) -> str:
    return certificates.check_fingerprint(text.strip().strip('"')) if text else ""


def _made_up(names: list[str]) -> str:
    """Unlike any other session's: on one machine, who does not know it is turned away."""
    return f"{' and '.join(names)}, {date.today():%Y-%m-%d}, {secrets.token_hex(4)}"


def _checked(path: Path, session: str, parties: Parties, dealer: Address | None, known: Mapping[str, list[str]]) -> str:
    """The text of the file, taken for right by what reads it, except for fingerprints that are still to come."""
    from tacit.config.findings import ConfigError
    from tacit.config.read import parse_cluster
    from tacit.config.template import cluster_text

    nodes = [*parties, *([DEALER] if dealer else [])]
    missing = [name for name in nodes if name not in known] if known else []
    text = cluster_text(session, parties, dealer, known, missing)
    try:
        parse_cluster(text, str(path), {})
    except ConfigError as error:
        wrong = [one for one in error.findings if one.path != ("certificates",) or not missing]
        if wrong:
            raise ConfigError(wrong, error.source) from None
    return text


def _may_write(path: Path, yes: bool, force: bool) -> Path | None:
    """Where the file that is there already is kept. Raises MisuseError if it must not be written over."""
    if not path.exists():
        return None
    if not path.is_file():
        raise MisuseError(f"{path} is there already, and is no file.")
    names = (path.with_name(f"{path.name}.old{number or ''}") for number in count())
    kept = next(name for name in names if not name.exists())
    if not force and yes:
        raise MisuseError(f"{path} is there already: --force writes over it, and keeps it as {kept}.")
    if not force:
        typer.confirm(f"{path} is there already. Write over it, and keep it as {kept}?", abort=True, err=True)
    return kept


def _write(path: Path, text: str, kept: Path | None) -> None:
    try:
        if kept is not None:
            path.replace(kept)
            typer.echo(f"What {path} was is now {kept}.")
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise MisuseError(f"cannot write {path}: {error.strerror}.") from None


def _tell(path: Path, me: str, missing: list[str], certs: Path) -> None:
    """What is written, and the next two commands."""
    folder = f" --certs {certs}" if _said(certs) else ""
    doctor = f"tacit doctor --config {path} --as {me}{folder}"
    run = f"tacit run JOB.py --config {path} --party {me}{folder}"
    if me == DEALER:
        run = f"tacit dealer --config {path}{folder}"
    typer.echo(f"Wrote {path}.", nl=False)
    if missing:
        typer.echo(f" Still missing in it: the fingerprint of {', '.join(missing)}. Next, here and at all other hosts:")
        typer.echo(f"\n  tacit certs show {me}{folder}\n  {doctor}")
        typer.echo("\nThe first prints the line that all need; the second says whether the hosts can meet.")
    else:
        typer.echo(" It goes to every host as it is. Next, here, and at the others with their names:")
        typer.echo(f"\n  {doctor}\n  {run}")
