"""The cluster file as pydantic models. A new table is a model and a field of ``ClusterFile``.

From them come the checks, the names of the environment's variables, and docs/configuration.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from tacit.config.address import EXAMPLE, parse_address
from tacit.config.settings_table import settings_table
from tacit.errors import MisuseError
from tacit.party import DEALER, check_name
from tacit.runtime.rendezvous import Address
from tacit.transport.certificates import check_fingerprint

MISUSE = "misuse"
"""The type of the errors whose text is one of Tacit's own."""


@dataclass(frozen=True)
class Says:
    """What belongs at a key, in words, and an example as it stands in the file."""

    expects: str
    example: str


class Table(BaseModel):
    """A table of the file: no keys but its own, no value of another type than it says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _taught(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        try:
            return check(value)
        except MisuseError as error:
            raise PydanticCustomError(MISUSE, "{text}", {"text": str(error)}) from None

    return checked


def _node(name: Any) -> Any:
    if name != DEALER:
        check_name(name)
    return name


def _party(name: Any) -> Any:
    check_name(name)
    return name


def _session(text: Any) -> Any:
    if not isinstance(text, str) or not text:
        raise MisuseError('must be text that is the same at all nodes, such as session = "average of stays, 3 May".')
    return text


def _address_or_none(text: Any) -> Address | None:
    return None if text == "" else parse_address(text)


def _pins(value: Any) -> list[Any]:
    if value == []:
        raise MisuseError('needs at least one fingerprint, such as "sha256:..." (tacit certs show).')
    return value if isinstance(value, list) else [value]


def _as_table(value: Any) -> Any:
    return {"address": value} if isinstance(value, str) else value


PartyName = Annotated[str, AfterValidator(_taught(_party))]
NodeName = Annotated[str, AfterValidator(_taught(_node))]
Text = Annotated[str, PlainValidator(_taught(_session)), Says("text", '"average of stays, 3 May"')]
DealerAddress = Annotated[
    Address, PlainValidator(_taught(parse_address)), Says('an address such as "192.0.2.3:443"', '"192.0.2.3:443"')
]
PartyAddress = Annotated[
    Address | None,
    PlainValidator(_taught(_address_or_none)),
    Says(f'an address such as "{EXAMPLE}", or "" for a party that cannot be reached', f'"{EXAMPLE}"'),
]
Fingerprints = Annotated[
    list[Annotated[str, PlainValidator(_taught(check_fingerprint))]],
    BeforeValidator(_taught(_pins)),
    Says('a fingerprint such as "sha256:..." (tacit certs show), or a list of them', '"sha256:..."'),
]


class PartyTable(Table):
    """The long form of a party's line."""

    address: PartyAddress = Field(
        description='Where the others reach it: a name or a number, and a port. `""`: nobody can; it connects to them.'
    )


PartyLine = Annotated[
    PartyTable,
    BeforeValidator(_as_table),
    Says(f'an address such as "{EXAMPLE}", or "" for a party that cannot be reached', f'"{EXAMPLE}"'),
]

SettingsTable = settings_table(Table)


class ClusterFile(Table):
    """Everything that a cluster file may say."""

    session: Text = Field(description="Any text, the same at all nodes, another one for every run.")
    dealer: DealerAddress | None = Field(
        None, description="Where the dealer is. Needed while `settings.randomness` is `dealer`."
    )
    parties: dict[PartyName, PartyLine] = Field(
        description='A line for each party, in order of rank: its address, or `""` if nobody can reach it.'
    )
    certificates: dict[NodeName, Fingerprints] = Field(
        default_factory=dict,
        description="For each node the fingerprint that `tacit certs show` prints; two while one is being replaced. "
        "Needed as soon as a node is on another machine.",
    )
    settings: SettingsTable = Field(  # type: ignore[valid-type]
        default_factory=SettingsTable, description="What the session is run with, the same at all nodes."
    )
