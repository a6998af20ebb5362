"""Runs from dealt material: right results, each part once, only the planned program, only the right folder."""

from __future__ import annotations

import importlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import tacit
from tacit import Settings
from tacit.correlations.directory import deal, make_keys
from tacit.correlations.directory.folder import Folder
from tacit.errors import MisuseError, PartyFailedError
from tacit.party import DEALER
from tacit.protocols.additive.precompute import Precomputed
from tacit.runtime.session import current
from tacit.testing.placement import pretended_cuda

NAMES = ("lab", "clinic")
DIRECTORY = Settings(randomness="directory")


def job(count=70, square=False):
    me = tacit.party()
    xs = [
        tacit.secret(torch.linspace(-3, 3, count) + rank if me.rank == rank else None, owner=name)
        for rank, name in enumerate(me.names)
    ]
    y = sum(xs[1:], xs[0]) * xs[1]
    with tacit.profile() as costs:
        out = tacit.reveal(torch.relu(y * y if square else y))
    return current().source.serial, out, costs.dealer_bytes


@pytest.fixture
def keys(tmp_path):
    for name in (*NAMES, "third", DEALER):
        make_keys(name, tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def dealt(tmp_path, keys):
    deal(_plan(NAMES), 3, tmp_path / "dealt", keys)
    return tmp_path / "dealt"


def _plan(names, settings=None):
    return tacit.plan(_planned, names, settings=settings)


def _planned():
    current().source.serial = 0
    job()


def run(dealt, keys, names=NAMES, **more):
    return tacit.run(job, names, material=dealt, keys=keys, **more)


@pytest.mark.parametrize("limit", [0, 500, 2_000, 10**9])
def test_what_was_read_ahead_gives_the_same_and_takes_no_more_than_allowed(tmp_path, keys, limit):
    def prepared():
        source = current().source
        for _ in range(2):
            source.prepare(limit, lambda request, delivery: delivery)
        held = source._held
        found = job()
        return held, len(source._ready), source._held, *found

    plan = _plan(NAMES)
    deal(plan, 1, tmp_path / "dealt", keys)
    results = tacit.run(prepared, NAMES, material=tmp_path / "dealt", keys=keys, settings=DIRECTORY)
    xs = [torch.linspace(-3, 3, 70) + rank for rank in range(2)]
    for held, waiting, left, _, out, _ in results.values():
        assert held <= limit
        assert (held == 0) == (limit < 8 * 70)  # what the first request takes
        assert (waiting, left) == (0, 0)
        assert (out - torch.relu(sum(xs) * xs[1])).abs().max() < 1e-3
    assert plan.correction_bytes - 8 * 70 <= results["lab"][-1] <= plan.correction_bytes


def weights_and_batches(owned, prepare):
    """Three batches through a linear layer and a convolution whose weights are open from the first one on."""
    generator = torch.Generator().manual_seed(5)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 2), torch.nn.Flatten(), torch.nn.Linear(12, 4))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    batches = [torch.randn(5, 2, 3, 3, generator=generator) for _ in range(3)]
    truth = [net(batch).detach() for batch in batches]
    tacit.secret(net, owner="lab")
    found, ready = [], []
    with torch.no_grad():
        if not owned:
            zeros = [tacit.secret(torch.zeros(()), owner=name) for name in NAMES]
            for parameter in net.parameters():
                parameter.copy_(parameter + zeros[0] + zeros[1])
        for batch in batches:
            if tacit.party().name in prepare:
                tacit.prepare(1)
                ready.append(sum(isinstance(found, Precomputed) for found in current().source._ready))
            found.append(tacit.reveal(net(tacit.secret(batch, owner="clinic"))))
    errors = [float((got - want).abs().max()) for got, want in zip(found, truth, strict=True)]
    return max(errors), ready, current().meter.bytes_sent, current().channel.rounds


@pytest.mark.parametrize("owned", [False, True])
@pytest.mark.parametrize("names", [NAMES, (*NAMES, "third")])
def test_products_with_open_weights_are_computed_ahead(tmp_path, keys, names, owned):
    plan = tacit.plan(weights_and_batches, names, (owned, ()))
    deal(plan, 4, tmp_path / "dealt", keys)
    runs = [
        tacit.run(
            weights_and_batches, names, (owned, ahead), material=tmp_path / "dealt", keys=keys, settings=DIRECTORY
        )
        for ahead in (names, (), ("lab",), ("clinic",))  # each party works ahead as far as its memory goes
    ]
    for name in names:
        costs = [run[name][2:] for run in runs]
        assert max(run[name][0] for run in runs) < 1e-3
        assert costs == costs[:1] * 4
    # Who knows an operand multiplies what comes, the others what they have: the lab its weights, the clinic its batch.
    assert runs[0]["lab"][1] == ([0, 0, 0] if owned else [0, 2, 1])
    assert runs[0]["clinic"][1] == ([0, 4, 2] if owned else [0, 2, 1])


def test_preparing_is_for_a_number_of_megabytes_and_does_nothing_with_other_sources():
    def prepare(megabytes):
        tacit.prepare(megabytes)
        current().source.serial = 0
        return job()[1].shape

    assert tacit.run(prepare, NAMES, (256,), settings=Settings(randomness="insecure_local"))["lab"] == (70,)
    with pytest.raises(PartyFailedError, match="takes a number of megabytes, not -1"):
        tacit.run(prepare, NAMES, (-1,))


@pytest.mark.parametrize("names", [NAMES, (*NAMES, "third")])
@pytest.mark.parametrize("settings", [DIRECTORY, Settings(randomness="directory", generator="chacha20")])
def test_runs_from_material_are_right_and_use_each_part_once(tmp_path, keys, names, settings):
    plan = _plan(names, settings)
    deal(plan, 2, tmp_path / "dealt", keys)
    xs = [torch.linspace(-3, 3, 70) + rank for rank in range(len(names))]
    truth = torch.relu(sum(xs) * xs[1])
    for serial in (1, 2):
        results = run(tmp_path / "dealt", keys, names, settings=settings)
        for name in names:
            used, out, _ = results[name]
            assert used == serial
            assert (out - truth).abs().max() < 1e-3
            assert not (tmp_path / "dealt" / name / f"{serial:06}.sealed").exists()
        costs = [results[name][2] for name in names]
        assert plan.correction_bytes - 8 * 70 <= costs[0] <= plan.correction_bytes
        assert costs[1:] == [0] * (len(names) - 1)
    with pytest.raises(MisuseError, match=r"all 2 runs .* are used.*tacit deal job\.plan --count 2 --out NEW_FOLDER"):
        run(tmp_path / "dealt", keys, names, settings=settings)


@pytest.mark.slow  # two processes that import PyTorch: folders as they are used between organisations
def test_parties_as_processes_with_a_folder_each(dealt, keys):
    results = run(dealt, keys, backend="processes")
    assert {serial for serial, _, _ in results.values()} == {1}
    assert {serial for serial, _, _ in run(dealt, keys).values()} == {2}


def test_the_parties_take_the_highest_and_skip_what_one_has_used(dealt, keys):
    Folder(dealt, "clinic").claim(2).close()
    assert {serial for serial, _, _ in run(dealt, keys).values()} == {3}
    assert [json.loads((dealt / name / "used.json").read_text())["used"] for name in NAMES] == [3, 3]
    assert not list(dealt.glob("lab/*.sealed"))


def test_a_part_is_claimed_once_and_never_back(dealt):
    folder = Folder(dealt, "lab")
    with folder.claim(2) as part:
        assert part.read() == folder.part(2).read_bytes()
    assert folder.claim(1) is None
    assert folder.claim(2) is None
    with pytest.raises(MisuseError, match="all 3 runs"):
        folder.claim(4)
    assert folder.used == 2


def test_an_old_record_of_use_brings_nothing_back(dealt, keys):
    old = (dealt / "lab" / "used.json").read_bytes(), (dealt / "clinic" / "used.json").read_bytes()
    run(dealt, keys)
    for name, content in zip(NAMES, old, strict=True):
        (dealt / name / "used.json").write_bytes(content)
    with pytest.raises(PartyFailedError, match=r"cannot read .*000001\.sealed"):
        run(dealt, keys)
    assert {serial for serial, _, _ in run(dealt, keys).values()} == {2}


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"used": -1}', b'{"used": 1.5}'])
def test_without_its_record_of_use_a_folder_is_refused(dealt, keys, content):
    record = dealt / "lab" / "used.json"
    record.unlink() if content is None else record.write_bytes(content)
    with pytest.raises(MisuseError, match=r"used\.json"):
        run(dealt, keys)


def test_another_program_is_refused_and_told_where_it_differs(dealt, keys):
    with pytest.raises(PartyFailedError, match=r"at request 1 of \d+: planned .*\[70\].*, asked .*\[71\]"):
        run(dealt, keys, args=(71,))
    with pytest.raises(PartyFailedError, match=r"request 2 of \d+: planned tables\(.*, asked truncation\("):
        run(dealt, keys, args=(70, True))
    assert {serial for serial, _, _ in run(dealt, keys).values()} == {3}


def test_another_partys_folder_is_refused(tmp_path, dealt, keys):
    with pytest.raises(MisuseError, match="dealt for 'lab': 'clinic' needs its own"):
        run(dealt / "lab", keys)
    shutil.rmtree(dealt / "lab")
    shutil.copytree(dealt / "clinic", dealt / "lab")
    with pytest.raises(MisuseError, match="dealt for 'clinic': 'lab' needs its own"):
        run(dealt, keys)
    header = dealt / "lab" / "folder.json"
    header.write_text(header.read_text().replace('"party": "clinic"', '"party": "lab"'))
    with pytest.raises(MisuseError, match="encrypted to another key"):
        run(dealt, keys)
    (keys / "lab.key").write_bytes((keys / "clinic.key").read_bytes())
    with pytest.raises(PartyFailedError, match="was changed"):
        run(dealt, keys)


def test_another_dealers_material_is_refused(tmp_path, dealt, keys):
    make_keys(DEALER, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "dealer.pub", keys)
    with pytest.raises(PartyFailedError, match="another dealer"):
        run(dealt, keys)


def test_material_of_another_time_is_refused_at_all_parties(tmp_path, dealt, keys):
    deal(_plan(NAMES), 1, tmp_path / "again", keys)
    shutil.rmtree(dealt / "lab")
    shutil.copytree(tmp_path / "again" / "lab", dealt / "lab")
    with pytest.raises(PartyFailedError, match=r"material is .* at lab, .* at clinic"):
        run(dealt, keys)
    assert Folder(dealt, "clinic").used == 0


@pytest.mark.parametrize(
    ("names", "settings", "says"),
    [
        (("clinic", "lab"), DIRECTORY, "for the parties lab, clinic, in this order"),
        (NAMES, Settings(randomness="directory", frac_bits=12), r"dealt for Settings\(frac_bits=16\)"),
        (NAMES, Settings(randomness="directory", generator="chacha20"), "generator='aes128-ctr'"),
        (NAMES, Settings(), "belongs to randomness='directory'"),
    ],
)
def test_what_it_was_not_dealt_for_is_refused(dealt, keys, names, settings, says):
    with pytest.raises(MisuseError, match=says):
        run(dealt, keys, names, settings=settings)


def test_no_material_is_misuse(tmp_path, keys):
    with pytest.raises(MisuseError, match="say where it lies"):
        tacit.run(job, NAMES, settings=DIRECTORY)
    with pytest.raises(MisuseError, match="not a folder that `tacit deal` finished"):
        run(tmp_path / "nowhere", keys)


def test_a_plan_that_was_exchanged_is_noticed(dealt, keys):
    path = dealt / "clinic" / "plan.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"shift":16', b'"shift":15'))
    with pytest.raises(PartyFailedError, match="not the plan that this folder was dealt for"):
        run(dealt, keys)


def test_dealing_never_adds_to_a_folder_and_needs_all_keys(tmp_path, dealt, keys):
    with pytest.raises(MisuseError, match="not empty"):
        deal(_plan(NAMES), 1, dealt, keys)
    (keys / "clinic.pub").unlink()
    with pytest.raises(MisuseError, match=r"clinic\.pub"):
        deal(_plan(NAMES), 1, tmp_path / "new", keys)
    assert not (tmp_path / "new").exists()


def test_runs_at_the_same_time_get_parts_of_their_own(tmp_path, keys):
    deal(_plan(NAMES), 40, tmp_path / "dealt", keys)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: run(tmp_path / "dealt", keys), range(8)))
    pairs = [{serial for serial, _, _ in result.values()} for result in runs]
    assert all(len(pair) == 1 for pair in pairs)
    assert len(set.union(*pairs)) == 8


def test_a_part_that_one_party_loses_to_another_run_is_skipped_by_all(dealt, keys, monkeypatch):
    claim, lost = Folder.claim, []

    def claimed_by_another_first(folder, serial):
        if folder.header.party == "clinic" and not lost:
            lost.append(serial)
            claim(folder, serial).close()
        return claim(folder, serial)

    monkeypatch.setattr(Folder, "claim", claimed_by_another_first)
    assert {serial for serial, _, _ in run(dealt, keys).values()} == {2}
    assert lost == [1]


def test_a_run_that_others_overtake_keeps_the_part_that_it_claimed(dealt, keys, monkeypatch):
    claim, claimed, overtakers = Folder.claim, [], []

    def then_another_run_takes_the_next(folder, serial):
        part = claim(folder, serial)
        claimed.append(serial)
        if claimed == [1, 1]:  # at both, and neither has read it
            with ThreadPoolExecutor(1) as pool:
                overtakers.append(pool.submit(run, dealt, keys).result())
            assert not folder.part(1).exists()
        return part

    monkeypatch.setattr(Folder, "claim", then_another_run_takes_the_next)
    results = run(dealt, keys)
    assert [{serial for serial, _, _ in each.values()} for each in (results, *overtakers)] == [{1}, {2}]


def test_a_run_that_starts_meanwhile_waits_for_the_claim(dealt, monkeypatch):
    monkeypatch.setattr("tacit.correlations.directory.folder._LOCK_SECONDS", 0.1)
    with Folder(dealt, "lab").locked():
        with pytest.raises(MisuseError, match="another run is stuck"), Folder(dealt, "lab").locked():
            pass
        with Folder(dealt, "clinic").locked():
            pass
    with Folder(dealt, "lab").locked():
        pass


def test_every_part_has_seeds_of_its_own_and_shows_none(tmp_path, keys, monkeypatch):
    seeds = []

    def noted():
        seeds.append(fresh())
        return seeds[-1]

    module = importlib.import_module("tacit.correlations.directory.deal")
    fresh = module.fresh_seed
    monkeypatch.setattr(module, "fresh_seed", noted)
    deal(_plan(NAMES), 4, tmp_path / "dealt", keys)
    assert len(set(seeds)) == 8
    written = b"".join(path.read_bytes() for path in (tmp_path / "dealt").rglob("*.*"))
    assert not any(seed in written or seed.hex().encode() in written for seed in seeds)


@pytest.mark.parametrize("at", [["lab"], ["clinic"], ["lab", "clinic"]])
def test_material_goes_to_the_device_that_a_party_computes_on(tmp_path, keys, at):
    """The lab's corrections from disk, the clinic's shares from its seed, and products computed ahead."""
    weights = torch.linspace(-1, 1, 48).view(6, 8)

    def prepared():
        w, x = tacit.secret(weights, owner="lab"), torch.linspace(-2, 2, 40).view(5, 8)
        outs = []
        for _ in range(2):
            tacit.prepare(16)
            y = tacit.secret(x, owner="clinic") @ w.t()
            outs.append(tacit.reveal(torch.relu(y)))
        return torch.stack(outs)

    deal(tacit.plan(prepared, NAMES), 1, tmp_path / "dealt", keys)
    with pretended_cuda(at):
        found = tacit.run(prepared, NAMES, material=tmp_path / "dealt", keys=keys, device="cuda")
    expected = torch.relu(torch.linspace(-2, 2, 40).view(5, 8) @ weights.t())
    for value in found.values():
        assert (value - expected).abs().max() < 2e-4
