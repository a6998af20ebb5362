"""What the lines of a ledger on disk are. They hold shapes, names and times, and never a value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

FORMAT = 1


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("letters that cannot be shown")
    return text


Shown = Annotated[str, AfterValidator(_printable)]
"""Another party's ledger is shown on this one's terminal."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    time: Shown
    prev: Shown
    hash: Shown


class Header(_Line):
    """The first line: which session, who takes part, whose ledger it is, under which policy (its digest)."""

    kind: Literal["header"]
    format: int
    session: Shown
    parties: list[Shown]
    party: Shown
    version: Shown
    policy: Shown | None


class RevealLine(_Line):
    """A reveal, written before anything of it was sent."""

    kind: Literal["reveal"]
    n: int
    op: int
    label: Shown
    shape: list[int]
    dtype: Shown
    to: list[Shown]
    line: Shown


class RefusedLine(RevealLine):
    """A reveal that this party's policy did not allow. rule: which one of it."""

    kind: Literal["refused"]  # type: ignore[assignment]
    rule: Shown


class Footer(_Line):
    """The last line: how the session ended, after how many reveals. heads: where the others' ledgers stood then."""

    kind: Literal["end"]
    ended: Literal["clean", "failed"]
    reveals: int
    heads: dict[Shown, Shown]


Line = Header | RevealLine | RefusedLine | Footer

parse: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])
"""Makes one of them from a dict; raises ``pydantic.ValidationError``."""
