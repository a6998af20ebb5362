"""What the dealer sees: requests, which are the same bytes whatever the secrets are, and no opened value."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
import torch

from tacit.correlations import wire
from tacit.correlations.dealer_source import DONE_TAG, REQUEST_TAG
from tacit.errors import PartyFailedError
from tacit.party import DEALER
from tacit.protocols import Protocol
from tacit.runtime.launcher import run
from tacit.runtime.session import current
from tacit.settings import Settings
from tacit.testing import programs
from tacit.testing.programs import CASES, fixed, numbers
from tacit.transport.memory import MemoryTransport

Frame = tuple[str, str, bytes, bytes]
"""Sender, receiver, tag, payload."""

NAMES = ["a", "b", "c"]


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[Frame]:
    """Every frame that any node sends."""
    found: list[Frame] = []
    whole = MemoryTransport.send

    def send(self: MemoryTransport, peer: str, tag: bytes, payload: Sequence[memoryview]) -> None:
        found.append((self.name, peer, tag, b"".join(bytes(part) for part in payload)))
        whole(self, peer, tag, payload)

    monkeypatch.setattr(MemoryTransport, "send", send)
    return found


def everything(protocol: Protocol) -> None:
    """Every primitive once."""
    for case in CASES.values():
        if case.settings == Settings():
            case.program(protocol)


def to_dealer(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame[1] == DEALER]


def with_other_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: Callable[..., torch.Tensor] = numbers
    monkeypatch.setattr(programs, "numbers", lambda seed, *shape, **bits: whole(seed + 1000, *shape, **bits))


def test_the_dealer_receives_requests_only(frames: list[Frame]) -> None:
    run(lambda: everything(current().protocol), NAMES)
    tags = [(sender, tag) for sender, _, tag, _ in to_dealer(frames)]
    greetings, rest = tags[: len(NAMES)], tags[len(NAMES) :]
    assert {tag for _, tag in greetings} == {b"handshake facts"}
    assert {sender for sender, _ in rest} == {NAMES[0]}
    assert [tag for _, tag in rest if tag != REQUEST_TAG] == [DONE_TAG]
    requests = [wire.decode(data) for _, _, tag, data in to_dealer(frames) if tag == REQUEST_TAG]
    assert len(requests) > 80
    assert len({request.kind for request in requests}) >= 8


def test_requests_do_not_depend_on_the_secrets(frames: list[Frame], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for _ in range(2):
        run(lambda: everything(current().protocol), NAMES)
        seen.append([frame for frame in to_dealer(frames) if not frame[2].startswith(b"handshake")])
        frames.clear()
        with_other_inputs(monkeypatch)
    assert seen[0] == seen[1]


def test_seeds_between_parties_never_go_to_the_dealer(frames: list[Frame]) -> None:
    run(lambda: everything(current().protocol), NAMES)
    seeds = [json.loads(data) for _, _, tag, data in frames if tag == b"handshake seeds"]
    assert len(seeds) == len(NAMES) * (len(NAMES) - 1)
    heard = b"".join(data for _, _, _, data in to_dealer(frames))
    for message in seeds:
        for secret in message.values():
            assert secret.encode() not in heard
            assert bytes.fromhex(secret) not in heard


def test_no_opened_word_and_no_share_goes_to_the_dealer(frames: list[Frame]) -> None:
    run(lambda: everything(current().protocol), NAMES)
    heard = b"".join(data for _, _, _, data in to_dealer(frames))
    between = [f for f in frames if DEALER not in f[:2] and not f[2].startswith(b"handshake")]
    words = {data[i : i + 8] for _, _, _, data in between for i in range(0, len(data) - 7, 64)}
    assert len(words) > 1000
    assert not any(word in heard for word in words)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff" * 100,
        b"[" * 50_000,
        b'{"kind":"square","id":1,"mask":{"mask":[1,1152921504606846976,[4],[1],0]}}',
        b'{"kind":"tables","id":1,"mask":{"mask":[1,4,[4],[1],0]},"low":1000000000000,"top":true}',
    ],
    ids=["nothing", "bytes", "nested", "an absurd mask", "absurd tables"],
)
def test_a_dealer_that_is_sent_garbage_ends_the_run_at_once(garbage: bytes) -> None:
    def job() -> None:
        session = current()
        if session.party.rank == 0:
            session.transport.send(DEALER, REQUEST_TAG, [memoryview(garbage)])
        session.protocol.reveal(session.protocol.square(fixed(session.protocol, numbers(1))), None)

    with pytest.raises(PartyFailedError, match="ProtocolAbort"):
        run(job, NAMES)


def test_a_dealer_reads_no_message_that_is_not_a_request() -> None:
    def job() -> None:
        session = current()
        if session.party.rank == 0:
            session.transport.send(DEALER, b"an opened value", [memoryview(bytes(8))])
        session.protocol.reveal(session.protocol.square(fixed(session.protocol, numbers(1))), None)

    with pytest.raises(PartyFailedError, match="not a request"):
        run(job, NAMES)
