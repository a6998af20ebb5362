"""No secret, share, mask or seed in any repr, nor in the text of any error, nor in logs, status and metrics."""

from __future__ import annotations

import gc
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import torch
from prometheus_client import generate_latest

import tacit
from tacit.correlations._base import Delivery, Source
from tacit.correlations.dealer import Dealer
from tacit.correlations.streams import Streams
from tacit.errors import EncodingError, PartyFailedError, TacitError
from tacit.operation.http import SessionCollector
from tacit.operation.logs import LogSettings, written
from tacit.operation.observer import Observer
from tacit.operation.snapshot import snapshot
from tacit.protocols import Protocol, Share, Storage
from tacit.protocols.additive.context import Context
from tacit.protocols.additive.opening import Mask, Opened, Opening, opened
from tacit.protocols.additive.private_opening import PrivateOpening
from tacit.protocols.additive.sharing import PairStreams
from tacit.ring.bilinear import MATMUL
from tacit.ring.prg import Prg
from tacit.runtime.handshake import Secrets
from tacit.runtime.launcher import run
from tacit.runtime.node import run_node
from tacit.runtime.rendezvous import listen
from tacit.runtime.session import Session, current
from tacit.settings import Settings
from tacit.testing.programs import fixed, owned
from tacit.transport import certificates
from tacit.transport.sealed import Keys
from tacit.transport.tls import Tls

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


SESSION = "open sesame, 3 May"


@pytest.mark.parametrize("failing", [False, True])
def test_what_operators_see_of_nodes_has_no_secret_and_not_the_text_of_the_session(
    tmp_path: Path, failing: bool
) -> None:
    """All nodes over TLS, each with its log from debug on; status and metrics of all, taken while they run."""
    nodes = ["lab", "clinic", "dealer"]
    identities = {name: certificates.make(name, tmp_path, 1) for name in nodes}
    pins = {name: (certificates.fingerprint(identity.certificate),) for name, identity in identities.items()}
    listeners = {name: listen(("127.0.0.1", 0)) for name in nodes}
    addresses = {name: listener.getsockname()[:2] for name, listener in listeners.items()}
    settings = Settings(connect_timeout=20)
    forms: set[str] = set()
    seen: list[str] = []
    both = threading.Barrier(2)

    def job() -> None:
        session = current()
        words: list[torch.Tensor] = []
        session.channel.watch.append(lambda _, __, ___, tensor: words.append(tensor.clone()))
        x, w, _, _ = prepared(session.protocol)
        tacit.secret(torch.full((8, 8), SECRET / 2**16) if session.party.rank == 0 else None, owner="lab")
        y = tacit.secret(torch.full((64,), 7654.321) if session.party.rank == 0 else None, owner="lab").square().relu()
        shown = tacit.reveal(y, to="clinic")
        forms.update(secrets_here(session.protocol, x, w))
        forms.update(texts_of(int(word) for tensor in words for word in tensor.reshape(-1)[:64].to(torch.int64)))
        if shown is not None:
            forms.update({str(float(shown[0]))[:8], f"{float(shown[0]):.4f}"})
        both.wait(20)
        if failing and session.party.rank:
            raise ValueError(f"a patient has {shown}")
        tacit.reveal(tacit.secret(torch.ones(2) if session.party.rank == 0 else None, owner="lab"))

    def node(name: str) -> None:
        observer = Observer(name, [peer for peer in nodes if peer != name], SESSION, 4.0, "job.py")
        security = Tls(identities[name], pins)
        rest: dict[str, Any] = {"listener": listeners[name], "security": security, "observer": observer}
        try:
            run_node(name, addresses, settings, SESSION, job, **rest)
        except (TacitError, ValueError):
            assert failing
        seen.extend((json.dumps(snapshot(observer)), generate_latest(SessionCollector(observer)).decode()))

    out = io.StringIO()
    with redirect_stderr(out), written(LogSettings("json", "debug")):
        threads = [threading.Thread(target=node, args=(name,)) for name in nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    keys = [key for made in gc.get_objects() if type(made) is Keys for key in vars(made).values()]
    forms |= {form for key in keys for form in (key.hex(), repr(key)[2:-1])}
    text = out.getvalue() + "".join(seen)
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [record["outcome"] for record in told if record["event"] == "ended"] == [
        "failed" if failing else "ended"
    ] * 3
    assert {record["line"].split(":")[0] for record in told if record["event"] == "revealed"} == {"test_silence.py"}
    assert "tacit_reveals_total" in text
    assert len(forms) > 200
    assert len(keys) >= 4
    assert not [form for form in (*forms, SESSION, "sesame", "a patient has") if form in text]
