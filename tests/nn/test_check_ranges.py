"""``tacit.check`` tells of what would not fit fixed point, from sample inputs, and of nothing else."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

import tacit
from tacit import Settings
from tacit.errors import PartyFailedError, RangeError


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def found(net, *inputs, **options):
    report = tacit.check(net, inputs, **options)
    assert not report.unmeasured
    assert bool(report) == (not report.missing and not report.overflows)
    return report.overflows


def large(*values):
    return torch.tensor(values)


def test_a_product_beyond_the_range_is_named():
    net = Function(lambda x, y: x * y)
    report = tacit.check(net, (large(1.0, 40000.0), large(2.0, 40000.0)))
    assert not report
    ((met, times),) = report.overflows.items()
    assert (met.op, met.module, met.line.split(":")[0], times) == (
        "aten.mul.Tensor",
        "Function",
        "test_check_ranges.py",
        1,
    )
    assert met.value == 1.6e9
    assert met.limit == 2**30
    assert str(met) == "the product reaches 1.6e+09, the limit is 2**30 (1.07e+09)"
    for part in ("1 beyond the range", "overflow: the product", "fewer frac_bits"):
        assert part in str(report)
    assert tacit.check(net, (large(40000.0), large(40000.0)), settings=Settings(frac_bits=12))


class Block(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.factor = factor

    def forward(self, x):
        y = self.inner(x) * self.factor
        return y * y


def test_the_layer_is_named():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Sequential(Block(1.0), Block(1.0)), Block(300000.0), nn.LayerNorm(4))
    first = next(iter(found(net, torch.ones(2, 4))))
    assert (first.op, first.module) == ("aten.mul.Tensor", "1")


CASES = {
    "product": lambda x: x * x,
    "matrix product": lambda x: x.view(1, -1) @ x.view(-1, 1),
    "linear": lambda x: functional.linear(x.view(1, 4), torch.ones(2, 4)) * x[:2],
    "square": lambda x: x**2,
    "cube": lambda x: (x / 100) ** 3 * 100,
    "sum of squares": lambda x: (x / 40).square().expand(1000, 4).sum() / 1000,
    "length": lambda x: torch.linalg.vector_norm(x * 1e5) / 1e5,
    "direction": lambda x: functional.normalize(x * 1e5, dim=0),
    "variance": lambda x: x.var(),
    "layer norm": lambda x: functional.layer_norm(x, (4,)),
    "rms norm": lambda x: functional.rms_norm(x, (4,)),
    "group norm": lambda x: functional.group_norm(x.view(1, 4, 1), 2),
    "mean squared error": lambda x: functional.mse_loss(x, torch.zeros(4)),
    "exp": lambda x: (x / 1000).exp(),
    "by a number": lambda x: x * 0.3 * 1e5,
    "scores": lambda x: functional.scaled_dot_product_attention(*[x.view(1, 2, 2)] * 3).softmax(-1),
    "mean": lambda x: (x * 1000).mean() / 1000,
}
"""Too large for 40000, not for 4."""


@pytest.mark.parametrize("name", CASES)
def test_check_agrees_with_a_debug_session(name):
    function = CASES[name]
    for size, fits in ((4.0, True), (40000.0, False)):
        values = torch.tensor([1.0, -1.0, 0.5, 1.0]) * size

        def job(values=values):
            x = tacit.secret(values, owner="lab") + tacit.secret(torch.zeros(4), owner="clinic")
            with torch.no_grad():
                function(x)

        settings = Settings(debug=True, randomness="insecure_local")
        if name == "mean":
            fits = True
        if fits:
            tacit.run(job, ["lab", "clinic"], settings=settings)
        else:
            with pytest.raises(PartyFailedError) as failure:
                tacit.run(job, ["lab", "clinic"], settings=settings)
            assert isinstance(failure.value.__cause__, RangeError)
        assert (not found(Function(function), values)) == fits


def test_narrow_comparisons_are_measured():
    net = Function(lambda x: x.relu())
    assert not found(net, large(5e6))
    ((met, _),) = found(net, large(5e6), settings=Settings(compare_bits=40)).items()
    assert met.what == "what is compared"
    assert met.limit == 2**22


def test_the_backward_pass_is_measured():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([0.01]))

        def forward(self, x, y):
            return self.weight * x * y

    inputs = large(40000.0), large(40000.0)
    assert not found(Scaled(), *inputs, backward=False)
    assert {met.module for met in found(Scaled(), *inputs, backward=True)} == {""}
    assert "(backward)" in str(tacit.check(Scaled(), inputs, backward=True))


def test_what_is_public_may_be_large():
    net = Function(lambda x, y: x + 0 * (y * y).sign())
    assert found(net, large(1.0), large(1e9))
    assert not found(net, large(1.0), large(1e9), public=[1])


def test_masks_are_not_large():
    def attended(x):
        mask = torch.full((6, 6), torch.finfo(torch.float32).min).triu(1)
        infinite = torch.full((6, 6), -torch.inf).triu(1)
        scores = x @ x.t()
        return (scores + mask).softmax(-1) @ x + (scores + infinite).softmax(-1) @ x

    assert not found(Function(attended), torch.randn(6, 8))


def test_nothing_changes_and_no_number_is_drawn():
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.ReLU(inplace=True)).train()
    before = copy.deepcopy(net.state_dict())
    x = torch.randn(5, 4)
    kept, state = x.clone(), torch.get_rng_state()
    assert not found(net, x)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, kept)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())


def test_what_does_not_run_in_plain_is_said():
    def refuses(x):
        if not isinstance(x, tacit.Secret) and type(x) is torch.Tensor:
            raise ValueError("secrets only")
        return x + 1

    report = tacit.check(Function(refuses), torch.zeros(2))
    assert report
    assert report.unmeasured == "ValueError: secrets only"
    assert "was not measured: ValueError: secrets only" in " ".join(str(report).split())


NETWORKS = {
    "encoder": (lambda: nn.TransformerEncoderLayer(16, 2), (3, 5, 16)),
    "lstm": (lambda: nn.LSTM(16, 8, 2), (3, 5, 16)),
    "cnn": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.MaxPool2d(2)), (2, 1, 8, 8)),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_that_work_raise_no_alarm(name, training):
    make, shape = NETWORKS[name]
    assert not found(make().train(training), torch.randn(shape))
