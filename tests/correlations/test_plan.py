"""Plans: what a dry run writes down, and what is read back from a file."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

import tacit
from tacit import Settings
from tacit.correlations.directory.source import DirectorySource
from tacit.correlations.masks import MaskView
from tacit.correlations.plan import Plan, describe, planned_settings
from tacit.correlations.requests import Choice, Product, Tables
from tacit.correlations.streams import Streams
from tacit.errors import MisuseError
from tacit.profile import Meter
from tacit.ring.bilinear import conv

NAMES = ("lab", "clinic")
VIEW = MaskView.of_all(1, (2, 3, 8, 8))
REQUESTS = (
    Product(3, conv((1, 1), (0, 0), (1, 1), 1), VIEW, MaskView.of_all(2, (4, 3, 2, 2))),
    Tables(4, VIEW, 62, True),
    Choice(5, VIEW.count, (VIEW, VIEW)),
)
PLAN = Plan(NAMES, planned_settings(Settings()), REQUESTS)


def job(value=12345.0, rows=4):
    me = tacit.party()
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    tacit.secret(net, owner=me.names[0])
    x = tacit.secret(torch.full((rows, 6), value) if me.rank == 1 else None, owner=me.names[1])
    with torch.no_grad(), tacit.profile() as costs:
        tacit.reveal(net(x), to=me.names[1])
    return costs.dealer_bytes


def test_a_plan_comes_back_from_its_file(tmp_path):
    PLAN.save(tmp_path / "job.plan")
    again = Plan.load(tmp_path / "job.plan")
    assert again == PLAN
    assert again.digest == PLAN.digest
    assert Plan(NAMES, PLAN.settings, REQUESTS[:2]).digest != PLAN.digest


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda lines: [], "is not a plan"),
        (lambda lines: [b"{}", *lines[1:]], "is not a plan"),
        (lambda lines: [b"\x80\x04]", *lines[1:]], "is not a plan"),
        (lambda lines: lines[:-1], "2 of 3 requests"),
        (lambda lines: [*lines, lines[1]], "4 of 3 requests"),
        (lambda lines: [lines[0], b"{}", *lines[2:]], "job.plan:2"),
        (lambda lines: [*lines[:3], lines[3].replace(b"384", b"385")], "job.plan:4"),
        (lambda lines: [lines[0].replace(b'plan": 1', b'plan": 9'), *lines[1:]], "format 9"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path, damage, says):
    path = tmp_path / "job.plan"
    path.write_bytes(b"\n".join(damage(PLAN.data.splitlines())))
    with pytest.raises(MisuseError, match=says):
        Plan.load(path)


def test_a_plan_that_is_not_there():
    with pytest.raises(MisuseError, match=r"cannot read the plan nowhere\.plan.*tacit plan"):
        Plan.load("nowhere.plan")


def test_a_request_for_people():
    assert describe(REQUESTS[1]) == "tables(mask=1 [2x3x8x8], low=62, top=True)"
    assert describe(REQUESTS[2]) == "choice(count=384, masks=(1 [2x3x8x8], 1 [2x3x8x8]))"
    assert describe(REQUESTS[0]).startswith("product(op=conv(")


@pytest.mark.parametrize("names", [NAMES, ("a", "b", "c")])
@pytest.mark.parametrize("settings", [Settings(), Settings(truncation="exact", compare_bits=40)])
def test_a_plan_has_what_the_dealer_sends(names, settings):
    plan = tacit.plan(job, names, settings=settings)
    assert plan.parties == names
    assert plan.settings == planned_settings(settings)
    result = tacit.run(job, names, settings=settings)
    assert result[names[0]] <= plan.correction_bytes  # the profile in the job begins after the weights are shared
    assert plan.correction_bytes - result[names[0]] < 300
    assert tacit.plan(job, names, settings=settings).data == plan.data


def test_a_plan_has_no_data_in_it():
    assert tacit.plan(job, NAMES, (12345.0,)).data == tacit.plan(job, NAMES, (-0.5,)).data
    header, *lines = tacit.plan(job, NAMES).data.splitlines()
    assert set(json.loads(header)) == {"tacit plan", "parties", "settings", "requests", "correction bytes"}
    assert all({"kind", "id"} < set(json.loads(line)) for line in lines)


def test_what_a_job_raises_in_the_dry_run_is_told():
    def broken():
        raise ValueError("no beds")

    with pytest.raises(tacit.errors.PartyFailedError, match="no beds"):
        tacit.plan(broken, NAMES)


def test_nothing_to_plan_in_plaintext():
    with pytest.raises(MisuseError, match="nothing to plan"):
        tacit.plan(job, NAMES, settings=Settings(protocol="plaintext"))


@pytest.mark.parametrize("rank", [0, 1])
def test_the_first_difference_from_the_plan_is_named(rank):
    class Reader:
        def read_into(self, target):
            pass

    source = DirectorySource(Streams(bytes(16), "aes128-ctr"), PLAN, 1, Reader() if rank == 0 else None, Meter())
    source.fetch(REQUESTS[0])
    with pytest.raises(MisuseError, match=r"at request 2 of 3: planned tables\(.*\), asked choice\(count=384"):
        source.fetch(REQUESTS[2])
    source.fetch(REQUESTS[2])
    with pytest.raises(MisuseError, match=r"planned nothing more, asked tables\("):
        source.fetch(REQUESTS[1])
