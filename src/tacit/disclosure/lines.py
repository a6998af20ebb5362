"""What the lines of a ledger on disk are. They hold shapes, names and times, and never a value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

FORMAT = 1


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    time: str
    prev: str
    hash: str


class Header(_Line):
    """The first line: which session, who takes part, whose ledger it is, under which policy (its digest)."""

    kind: Literal["header"]
    format: int
    session: str
    parties: list[str]
    party: str
    version: str
    policy: str | None


class RevealLine(_Line):
    """A reveal, written before anything of it was sent."""

    kind: Literal["reveal"]
    n: int
    op: int
    label: str
    shape: list[int]
    dtype: str
    to: list[str]
    line: str


class RefusedLine(RevealLine):
    """A reveal that this party's policy did not allow. rule: which one of it."""

    kind: Literal["refused"]  # type: ignore[assignment]
    rule: str


class Footer(_Line):
    """The last line: how the session ended, after how many reveals. heads: where the others' ledgers stood then."""

    kind: Literal["end"]
    ended: Literal["clean", "failed"]
    reveals: int
    heads: dict[str, str]


Line = Header | RevealLine | RefusedLine | Footer

parse: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])
"""Makes one of them from a dict; raises ``pydantic.ValidationError``."""
