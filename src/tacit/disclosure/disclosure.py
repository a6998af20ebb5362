"""One reveal that is about to take place, as policy and ledger see it: never its value."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

DEFAULT, LIMITS = "default", "limits"
"""Names by which a refusal speaks of what is no rule of a policy: its default, its limits of the whole session."""


@dataclass(frozen=True)
class Disclosure:
    """What would be revealed to whom, and from where.

    number: counts the session's reveals from 1. op: the number of the operation in the program. file, line and
    function: the innermost frame of user code.
    """

    number: int
    op: int
    label: str
    shape: tuple[int, ...]
    dtype: str
    to: tuple[str, ...]
    file: str
    line: int
    function: str

    @property
    def elements(self) -> int:
        """How many numbers it is."""
        return math.prod(self.shape)

    @property
    def position(self) -> str:
        """``"job.py:12"``: the directory is this machine's own affair."""
        text = f"{os.path.basename(self.file)}:{self.line}" if self.line else self.file
        return "".join(letter if letter.isprintable() else "?" for letter in text)

    def __str__(self) -> str:
        shape = "x".join(map(str, self.shape)) or "scalar"
        label = f" '{self.label}'" if self.label else ""
        return f"{shape} {self.dtype}{label} to {', '.join(self.to)}"
