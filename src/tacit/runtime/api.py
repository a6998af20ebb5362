"""The public face: the functions that read the current session."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import torch

from tacit.errors import MisuseError
from tacit.nn import share_module
from tacit.party import Party
from tacit.profile import Ledger, Recording
from tacit.runtime.launcher import plan, run
from tacit.runtime.modules import ModuleScopes
from tacit.runtime.session import current
from tacit.tensor import Secret, reveal_tensor, share_tensor

__all__ = ["ledger", "party", "plan", "prepare", "profile", "reveal", "run", "secret"]

_Module = TypeVar("_Module", bound=torch.nn.Module)


def party() -> Party:
    """Who this program runs as: ``.name``, ``.rank``, ``.names``, ``.world_size``."""
    return current().party


def profile() -> Recording:
    """A context that records what a stretch of the program costs: ``with tacit.profile() as p``, then ``p.table()``."""
    session = current()
    return Recording(session.meter, session.party, ModuleScopes(session.meter))


def prepare(megabytes: int = 256) -> None:
    """Work ahead while there is no input yet: what was dealt for the coming operations, into this much memory at most.

    With ``randomness="directory"`` it is read and decrypted, or expanded, now, and products with weights that are open
    already are computed as far as they go; other sources know no plan, and nothing happens. Local: each party calls it
    whenever it has time, or not at all, and results are the same. Raises MisuseError for a negative number.
    """
    if megabytes < 0:
        raise MisuseError(f"tacit.prepare takes a number of megabytes, not {megabytes}.")
    current().protocol.prepare(megabytes * 1_000_000)


def ledger() -> Ledger:
    """Every reveal so far: what shape, to whom, from which line of user code."""
    return current().ledger


@overload
def secret(value: _Module, owner: str) -> _Module: ...
@overload
def secret(value: Any, owner: str) -> Secret: ...
def secret(value: Any, owner: str) -> Any:
    """Make a secret of what the party named ``owner`` has; every party calls this.

    value: a tensor, numpy array, number or list at the owner, and None elsewhere; shape, dtype and requires_grad travel
    from the owner. Or a network, of the same structure at all parties: its parameters become secret in place. Range:
    ``|x| < 2**(62 - frac_bits)``. Costs one round and no bytes but the shapes. Raises EncodingError at the owner for
    what fixed point cannot hold, InputRefusedError elsewhere, MisuseError where shapes differ.
    """
    protocol = current().protocol
    if isinstance(value, torch.nn.Module):
        return share_module(protocol, value, owner)
    return share_tensor(protocol, value, owner)


def reveal(x: Any, to: str | None = None, label: str = "") -> Any:
    """Disclose a secret to the party named ``to``, or to all parties (None); the ledger records it, with its line.

    label: what to call it in ledgers and policies, at most 64 letters, the same at all parties. Returns a plain tensor
    of the secret's shape and dtype where it was disclosed, None elsewhere. What is no secret comes back as it is. Costs
    one round and 64 bits an element to each receiver. Raises PolicyError if this party's policy does not allow it, and
    RevealRefusedError if another's does not: nothing of the value leaves that party, and the session ends.
    """
    session = current()
    return reveal_tensor(session.protocol, session.ledger, x, to, label)
