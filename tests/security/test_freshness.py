"""Randomness is fresh in every session, comes from the operating system, and listens to nobody's seed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import tacit
from tacit.party import DEALER
from tacit.ring.prg import Prg
from tacit.runtime.launcher import run
from tacit.runtime.session import current
from tacit.settings import GENERATORS, Settings
from tacit.testing.programs import CASES
from tacit.testing.recording import Recorder, listening

LAYERS = ("ring", "transport", "correlations", "protocols", "runtime")


def recorded() -> tuple[set[int], set[int]]:
    """All 64-bit words that this party received, and all that it drew, in one run of some primitives."""
    torch.manual_seed(0)
    session = current()
    recorder = Recorder(session)
    with recorder.attached():
        for name in ("mul", "relu", "select 3, fresh", "share", "reveal to all"):
            torch.manual_seed(0)
            recorder.end(CASES[name].program(session.protocol))
    words: tuple[set[int], set[int]] = (set(), set())
    for piece in (piece for pieces in recorder.repetitions for piece in pieces):
        if piece.role in ("received", "drawn") and piece.width in (0, 64):
            words[piece.role == "drawn"].update(piece.data.view(-1).tolist())
    return words


@pytest.mark.parametrize("generator", GENERATORS)
def test_two_sessions_have_no_mask_in_common(generator: str) -> None:
    settings = Settings(generator=generator)  # type: ignore[arg-type]
    with listening():
        first, second = (run(recorded, ["a", "b", "c"], settings=settings) for _ in range(2))
    for name in first:
        for before, after in zip(first[name], second[name], strict=True):
            assert len(before) > 500
            assert not before & after


def test_the_seed_of_torch_has_no_influence_and_is_not_used_up() -> None:
    def job() -> bool:
        torch.manual_seed(7)
        expected = torch.rand(4, generator=torch.Generator().manual_seed(7))
        CASES["relu of a product"].program(current().protocol)
        return bool(torch.equal(torch.rand(4), expected))

    assert all(run(job, ["a", "b"]).values())


def test_no_layer_below_the_tensors_draws_from_an_ordinary_generator() -> None:
    root = Path(tacit.__file__).parent
    ordinary = re.compile(
        r"torch\.(rand|randn|randint|randperm|bernoulli|normal|multinomial|Generator)\b|\.(random|uniform)_\(|"
        r"\b(numpy|np)\.random\b|^import random|^from random|\bgetrandbits\b|\buuid1\b",
        re.MULTILINE,
    )
    found = [
        str(path.relative_to(root))
        for layer in LAYERS
        for path in (root / layer).rglob("*.py")
        if ordinary.search(path.read_text())
    ]
    assert found == []


def test_every_seed_comes_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session asks os.urandom for a seed for each party, and for the keys and halves of seeds between parties."""
    import os

    asked: list[int] = []
    whole = os.urandom
    monkeypatch.setattr(os, "urandom", lambda size: asked.append(size) or whole(size))
    run(lambda: None, ["a", "b", "c"])
    sixteen = [size for size in asked if size == 16]
    assert len(sixteen) >= 3 + 3 + 6  # dealer's seeds, transcript keys, halves


def test_all_generators_of_a_session_have_seeds_of_their_own() -> None:
    """No two generators of a party start from the same seed, and only both ends of a pair have one in common."""

    def job() -> dict[str, set[bytes]]:
        session = current()
        streams, pairs = session.source.streams, session.protocol._pairs  # type: ignore[union-attr, attr-defined]
        own = [value for value in vars(streams).values() if isinstance(value, Prg)]
        return {
            "own": {prg._seed for prg in own},
            **{
                session.party.names[rank]: {pairs._inputs[rank]._seed, pairs._zeros[rank]._seed}
                for rank in session.party.others()
            },
        }

    seeds = run(job, ["a", "b", "c"])
    assert DEALER not in seeds
    flat = [(name, key, seed) for name, kinds in seeds.items() for key, group in kinds.items() for seed in group]
    for name, key, seed in flat:
        owners = {(other, kind) for other, kind, value in flat if value == seed}
        assert owners == ({(name, "own")} if key == "own" else {(name, key), (key, name)})
    assert all(len(kinds["own"]) == 4 for kinds in seeds.values())
