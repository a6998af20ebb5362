"""``tacit.check`` finds what has no rule, where, and leaves the network as it was."""

import copy

import torch
from torch import nn
from torch.nn import functional

import tacit


class Airy(nn.Module):
    def forward(self, x):
        return torch.special.airy_ai(x)


class Strange(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4), Airy())

    def forward(self, x):
        y = self.inner(x)
        return torch.special.i0(y).mode(-1)[0] + self.inner(y)


class Peeks(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x


def test_a_network_with_rules_for_everything_passes_in_both_directions():
    layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.Flatten(), nn.Linear(144, 8), nn.LayerNorm(8)
    net = nn.Sequential(*layers, nn.Dropout(), nn.Softmax(-1)).train()
    before = [p.clone() for p in net.parameters()]
    report = tacit.check(net, torch.zeros(2, 1, 8, 8))
    assert report
    assert not report.missing
    assert any(met.op == "aten.native_layer_norm_backward.default" for met in report.operations)
    assert all(torch.equal(p, q) and type(p) is nn.Parameter for p, q in zip(net.parameters(), before, strict=True))
    assert net[1].num_batches_tracked == 0


def test_what_is_missing_is_named_with_its_module_and_line():
    report = tacit.check(Strange().eval(), torch.zeros(3, 4))
    assert not report
    found = sorted((met.op, met.module, times) for met, times in report.missing.items())
    assert found == [
        ("aten.i0.default", "Strange", 1),
        ("aten.mode.default", "Strange", 1),
        ("aten.special_airy_ai.default", "inner.1", 2),
    ]
    assert {met.line.split(":")[0] for met in report.missing} == {"test_check.py"}
    text = str(report)
    for part in ("Strange", "aten.special_airy_ai.default", "no rule", "4 missing", "inner.1"):
        assert part in text


def test_a_condition_on_a_secret_is_found_and_ends_the_walk():
    report = tacit.check(Peeks(), (torch.zeros(3),))
    assert not report
    assert {met.verdict for met in report.missing} == {"discloses"}
    assert report.stopped
    assert "stopped early" in str(report)


def test_inputs_by_name_may_stay_public():
    class Weighted(nn.Module):
        def forward(self, x, mask):
            return x * mask if bool(mask.all()) else x + mask

    inputs = {"x": torch.zeros(3), "mask": torch.ones(3, dtype=torch.bool)}
    assert tacit.check(Weighted(), inputs, public=["mask"])
    assert not tacit.check(Weighted(), inputs)


def test_the_walk_agrees_with_a_real_run():
    net = nn.Sequential(nn.Linear(4, 6), nn.SiLU(), nn.Linear(6, 3))
    report = tacit.check(net, torch.zeros(2, 4), backward=True)

    def job():
        mine = copy.deepcopy(net)
        tacit.secret(mine, owner="lab")
        x = tacit.secret(torch.ones(2, 4), owner="clinic")
        with tacit.profile() as costs:
            functional.cross_entropy(mine(x), torch.tensor([0, 2])).backward()
        return {place.op for place in costs.costs}

    ran = tacit.run(job, ["lab", "clinic"], settings=tacit.Settings(randomness="insecure_local"))["lab"]
    assert {"addmm", "silu", "silu_backward"} <= ran
    assert {"aten.addmm.default", "aten.silu.default", "aten.silu_backward.default"} <= {
        m.op for m in report.operations
    }
