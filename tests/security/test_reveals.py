"""A reveal tells its receivers the value and nothing else.

That means: what a receiver gets can be simulated from the value and the share that it sent itself. The messages add up
to the value less that share (tested here, exactly), and all of them but the last honest one are uniform and
independent of everything else that it saw (tested by the leak checker for three and four parties, twice in a row). With
one honest party nothing is left to be uniform: its message *is* the value less what the others hold.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tacit.protocols import Protocol
from tacit.ring.bits import pack_bits
from tacit.runtime.launcher import run
from tacit.runtime.session import current
from tacit.testing.leaks import check
from tacit.testing.programs import CASES, fixed, numbers

RECEIVERS = [None, 0, 1]


def reveal(p: Protocol, value: Tensor, to: int | None) -> dict[str, Any]:
    """What this party sent and received while ``value`` was revealed twice, and the values."""
    sent: list[list[Tensor]] = [[], []]
    received: list[list[Tensor]] = [[], []]
    share = fixed(p, value)
    results = []
    for i in range(2):

        def watch(direction: str, peer: str, text: str, tensor: Tensor, i: int = i) -> None:
            (sent if direction == "sent" else received)[i].append(tensor.clone())

        p.channel.watch[:] = [watch]
        results.append(p.reveal(share, to))
    p.channel.watch.clear()
    return {"sent": sent, "received": received, "values": results}


@pytest.mark.parametrize("parties", [2, 3, 4])
@pytest.mark.parametrize("to", RECEIVERS)
@pytest.mark.parametrize("kind", ["numbers", "bits"])
def test_the_messages_add_up_to_the_value_and_go_to_nobody_else(parties: int, to: int | None, kind: str) -> None:
    value = numbers(1) if kind == "numbers" else numbers(1) >= 0
    names = [f"p{rank}" for rank in range(parties)]
    seen = run(lambda: reveal(current().protocol, value, to), names)
    for rank, name in enumerate(names):
        mine = seen[name]
        receives = to in (None, rank)
        for i in range(2):
            assert len(mine["received"][i]) == (parties - 1 if receives else 0)
            assert len(mine["sent"][i]) == (parties - 1 if to is None else int(to != rank))
            assert (mine["values"][i] is not None) == receives
            if receives:
                assert torch.equal(mine["values"][i], value)
        if receives and to is None:
            total = _sum([*mine["received"][0], mine["sent"][0][0]], kind)
            assert torch.equal(total, pack_bits(value.view(-1)) if kind == "bits" else value.view(-1))


@pytest.mark.parametrize("to", RECEIVERS)
def test_another_reveal_of_the_same_secret_sends_other_messages(to: int | None) -> None:
    seen = run(lambda: reveal(current().protocol, numbers(1), to), ["a", "b", "c"])
    for mine in seen.values():
        for first, second in zip(*mine["received"], strict=True):
            assert not torch.equal(first, second)


@pytest.mark.parametrize("parties", [3, 4])
@pytest.mark.parametrize("to", ["all", 0, 1])
def test_all_messages_but_one_are_uniform(parties: int, to: object) -> None:
    report = check(CASES[f"reveal to {to}"].program, parties)
    assert report.messages > 0


def _sum(messages: list[Tensor], kind: str) -> Tensor:
    total = messages[0]
    for message in messages[1:]:
        total = total ^ message if kind == "bits" else total + message
    return total
