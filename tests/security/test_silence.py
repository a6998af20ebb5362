"""No secret, share, mask or seed in any repr, nor in the text of any error."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import tacit
from tacit.correlations._base import Delivery, Source
from tacit.correlations.dealer import Dealer
from tacit.correlations.streams import Streams
from tacit.errors import EncodingError, PartyFailedError, TacitError
from tacit.protocols import Protocol, Share, Storage
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import Mask, Opened, Opening, opened
from tacit.protocols.additive.private_opening import PrivateOpening
from tacit.protocols.additive.sharing import PairStreams
from tacit.ring.bilinear import MATMUL
from tacit.ring.prg import Prg
from tacit.runtime.handshake import Secrets
from tacit.runtime.launcher import run
from tacit.runtime.session import Session, current
from tacit.settings import Settings
from tacit.testing.programs import fixed, owned

SECRET = 1234567890123
"""The ring integer that every element of the secret is."""

KINDS = (
    *(Share, Storage, Session, Streams, Prg, Opening, Opened, Mask, PrivateOpening, PairStreams, Context, Settings),
    *(Source, Delivery, Dealer, Protocol, Secrets),
)


def texts_of(numbers: Iterator[int]) -> set[str]:
    """A number as it might be printed: in decimal, signed or not, and in hexadecimal."""
    forms = set()
    for number in numbers:
        unsigned = number % (1 << 64)
        forms |= {str(number), str(unsigned), f"{unsigned:x}", unsigned.to_bytes(8, "little").hex()}
    return {form for form in forms if len(form) > 6}


def secrets_here(p: Protocol, *shares: Share) -> set[str]:
    """What must be printed nowhere: the secret, this party's shares and masks, and its seeds."""
    session = current()
    words = [SECRET, *(int(word) for share in shares for part in share.parts for word in part.reshape(-1)[:8])]
    words += [int(word) for mask in range(1, 6) for word in session.source.streams.ring_mask(mask, 8)]  # type: ignore[union-attr]
    forms = texts_of(iter(words)) | {f"{SECRET / 2**16:.3f}"[:8]}
    for prg in (thing for thing in gc.get_objects() if issubclass(type(thing), Prg)):
        seed = prg._seed
        forms |= {seed.hex(), repr(seed)[2:-1], str(list(seed))[1:-1], str(int.from_bytes(seed, "little"))}
    return {form for form in forms if len(form) > 6}  # other tests' generators may have a seed of 0


def prepared(p: Protocol) -> tuple[Share, Share, Opened, PrivateOpening]:
    value = torch.full((8, 8), SECRET)
    x, w = fixed(p, value), owned(p, value, 0)
    p.multiply(MATMUL, x, w)
    o = opened(p._context, fixed(p, value))  # type: ignore[attr-defined]
    assert o.value.numel()
    private: PrivateOpening = w.storage.openings["private"]
    return x, w, o, private


def test_nothing_that_holds_a_secret_prints_it() -> None:
    def job() -> tuple[set[str], set[str], set[str]]:
        session = current()
        p = session.protocol
        x, w, o, private = prepared(p)
        delivery = session.source.fetch  # type: ignore[union-attr]
        things: list[Any] = [
            x,
            x.storage,
            w,
            w.storage,
            o,
            o.opening,
            o.opening.mask,
            private,
            session,
            session.settings,
        ]
        things += [session.source, session.source.streams, p, p._context, p._pairs, delivery]  # type: ignore[attr-defined, union-attr]
        things += [Dealer([session.source.streams])]  # type: ignore[union-attr]
        things += [thing for thing in gc.get_objects() if issubclass(type(thing), KINDS)]
        printed = {text for thing in things for text in (repr(thing), str(thing), f"{thing}")}
        return printed, secrets_here(p, x, w), {type(thing).__name__ for thing in things}

    for printed, secrets, kinds in run(job, ["a", "b"]).values():
        assert {"Share", "Storage", "Streams", "Prg", "Session", "Opening"} <= kinds
        found = [text for text in printed if any(secret in text for secret in secrets)]
        assert not found


def test_a_secret_tensor_prints_no_number() -> None:
    def job() -> tuple[str, ...]:
        x = tacit.secret(torch.full((2, 2), SECRET / 2**16) if tacit.party().rank == 0 else None, owner="a")
        return repr(x), str(x), f"{x}", repr([x]), repr({"x": x})

    for texts in run(job, ["a", "b"]).values():
        for text in texts:
            assert "188" not in text  # SECRET / 2**16 is 18838...


def _two_values_under_a_mask(p: Protocol) -> None:
    x, _, o, _ = prepared(p)
    o.opening.mask.cover(x, "whole")


def _lower_scale(p: Protocol) -> None:
    p.at_scale(prepared(p)[0], 3)


def _bit_into_number(p: Protocol) -> None:
    x, _, _, _ = prepared(p)
    p.write(x, fixed(p, torch.ones(8, 8, dtype=torch.bool)))


def _shapes(p: Protocol) -> None:
    x, w, _, _ = prepared(p)
    p.multiply(MATMUL, x, w.view(lambda part: part[:3]))


def _divergence(p: Protocol) -> None:
    prepared(p)
    p.channel.transcript.begin("relu" if p.party.rank else "square", "8x8")
    p.square(fixed(p, torch.full((8, 8), SECRET)))


def _dies(p: Protocol) -> None:
    prepared(p)
    if p.party.rank == 1:
        raise RuntimeError("the job failed")
    p.reveal(p.square(fixed(p, torch.full((8, 8), SECRET))), None)


@pytest.mark.parametrize(
    "failing", [_two_values_under_a_mask, _lower_scale, _bit_into_number, _shapes, _divergence, _dies]
)
def test_no_error_prints_a_secret(failing: Callable[[Protocol], None]) -> None:
    forms: set[str] = set()

    def job() -> None:
        p = current().protocol
        try:
            failing(p)
        finally:
            forms.update(secrets_here(p, fixed(p, torch.full((8, 8), SECRET))))

    with pytest.raises(PartyFailedError) as failure:
        run(job, ["a", "b"])
    error: BaseException | None = failure.value
    text = str(failure.value.failures)
    while error is not None:
        text += str(error) + repr(error)
        error = error.__cause__
    assert len(forms) > 50
    assert not [form for form in forms if form in text]


def test_a_refused_input_is_not_printed() -> None:
    def job() -> None:
        value = torch.tensor([1.0, 98765432109876543210.0]) if tacit.party().rank == 0 else None
        tacit.secret(value, owner="a")

    with pytest.raises(PartyFailedError) as failure:
        run(job, ["a", "b"])
    assert isinstance(failure.value.__cause__, EncodingError | TacitError)
    assert "9876543" not in str(failure.value)
    assert "9.876" not in str(failure.value)
