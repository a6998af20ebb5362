"""Optimizers of torch.optim on secret parameters, as they are, against float64."""

import importlib

import pytest
import torch
from torch import nn
from torch.nn import functional

import tacit
from tacit import Settings
from tacit.errors import PartyFailedError

LOCAL = Settings(randomness="insecure_local")
DEBUG = Settings(randomness="insecure_local", debug=True)

OPTIMIZERS = {
    "Adam": (torch.optim.Adam, {"lr": 0.02}),
    "Adam, amsgrad and decay": (torch.optim.Adam, {"lr": 0.02, "amsgrad": True, "weight_decay": 0.05}),
    "Adam, in lists": (torch.optim.Adam, {"lr": 0.02, "foreach": True, "maximize": True}),
    "Adam, fused": (torch.optim.Adam, {"lr": torch.tensor(0.02), "fused": True}),
    "AdamW": (torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.1}),
    "NAdam": (torch.optim.NAdam, {"lr": 0.02}),
    "RAdam": (torch.optim.RAdam, {"lr": 0.02}),
    "Adamax": (torch.optim.Adamax, {"lr": 0.02}),
    "RMSprop": (torch.optim.RMSprop, {"lr": 0.01}),
    "RMSprop, centered": (torch.optim.RMSprop, {"lr": 0.005, "centered": True, "momentum": 0.5}),
    "Adagrad": (torch.optim.Adagrad, {"lr": 0.05, "lr_decay": 0.1, "initial_accumulator_value": 0.01}),
    "Adadelta": (torch.optim.Adadelta, {"lr": 5.0}),
    "Rprop": (torch.optim.Rprop, {"lr": 0.01}),
    "ASGD": (torch.optim.ASGD, {"lr": 0.05}),
    "SGD": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
}


def network():
    torch.manual_seed(7)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))


def data():
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(24, 5, generator=generator)
    return x, x[:, :1].sin() + 0.5 * x[:, 1:2] * x[:, 2:3]


def trained(net, make, options, x, y, steps, size=1.0):
    optimizer = make(net.parameters(), **options)
    for _ in range(steps):
        optimizer.zero_grad()
        (functional.mse_loss(net(x), y) * size).backward()
        optimizer.step()
    return optimizer


def in_plain(make, options, steps, size=1.0):
    net, (x, y) = network().double(), data()
    trained(net, make, options, x.double(), y.double(), steps, size)
    return [p.detach() for p in net.parameters()]


def secretly(make, options, steps, size=1.0, settings=LOCAL):
    def job():
        net, (x, y) = tacit.secret(network(), owner="lab"), data()
        x, y = tacit.secret(x, owner="clinic"), tacit.secret(y, owner="clinic")
        trained(net, make, options, x, y, steps, size)
        return [tacit.reveal(p) for p in net.parameters()]

    return tacit.run(job, ["lab", "clinic"], settings=settings)["lab"]


def error(found, wanted):
    """By how much the movement of the parameters differs, in parts of it."""
    start = [p.detach().double() for p in network().parameters()]
    off = sum(((a.double() - b) ** 2).sum() for a, b in zip(found, wanted, strict=True))
    moved = sum(((a - b) ** 2).sum() for a, b in zip(start, wanted, strict=True))
    return float((off / moved).sqrt())


MANY = [n for n in OPTIMIZERS if n != "Rprop"]  # which sees signs only: a last digit sends it another way


@pytest.mark.parametrize("name", [n if n == "Adam" else pytest.param(n, marks=pytest.mark.slow) for n in MANY])
def test_twenty_steps_are_those_of_float64(name):  # as many as the moments need to be more than their first gradients
    make, options = OPTIMIZERS[name]
    assert error(secretly(make, options, 20), in_plain(make, options, 20)) < 1e-2


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_first_steps_are_those_of_float64(name):
    make, options = OPTIMIZERS[name]
    assert error(secretly(make, options, 3), in_plain(make, options, 3)) < 1e-2


def test_gradients_whose_squares_are_below_a_unit():
    make, options = torch.optim.Adam, {"lr": 0.02}
    assert error(secretly(make, options, 6, 0.05), in_plain(make, options, 6, 0.05)) < 5e-2


@pytest.mark.parametrize("name", ["Adam", "RMSprop", "RMSprop, centered", "NAdam", "Adagrad", "Adadelta"])
def test_gradients_beyond_the_range_of_squares_do_not_wrap(name):
    make, options = OPTIMIZERS[name]
    assert error(secretly(make, options, 2, 30000.0), in_plain(make, options, 2, 30000.0)) < 0.6


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"])
@pytest.mark.filterwarnings("ignore:.*nothing is secret")
def test_a_debug_session_raises_no_alarm(name):
    make, options = OPTIMIZERS[name]
    assert error(secretly(make, options, 3, settings=DEBUG), in_plain(make, options, 3)) < 1e-2


def test_a_parameter_without_gradient_stays_where_it_is():
    def job():
        w = nn.Parameter(tacit.secret(torch.tensor([1.0, -2.0, 3.0]), owner="lab"))
        for make in (torch.optim.Adam, torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.Adamax):
            optimizer = make([w], lr=0.5)
            for _ in range(2):
                optimizer.zero_grad()
                (w * torch.zeros(3)).sum().backward()
                optimizer.step()
        return tacit.reveal(w)

    assert torch.allclose(tacit.run(job, ["lab", "clinic"], settings=LOCAL)["lab"], torch.tensor([1.0, -2.0, 3.0]))


def test_secret_and_plain_parameters_in_one_optimizer():
    def train(first, last, x):
        optimizer = torch.optim.Adam([last, first], lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            (first * x).square().sum().backward()
            (last * 3).square().sum().backward()
            optimizer.step()

    def job():
        first = nn.Parameter(tacit.secret(torch.tensor([1.0, -2.0]), owner="lab"))
        last = nn.Parameter(torch.tensor([0.5]))
        train(first, last, tacit.secret(torch.ones(2), owner="clinic"))
        return tacit.reveal(first), last.detach()

    first, last = nn.Parameter(torch.tensor([1.0, -2.0])), nn.Parameter(torch.tensor([0.5]))
    train(first, last, torch.ones(2))
    found = tacit.run(job, ["lab", "clinic"], settings=LOCAL)["clinic"]
    assert torch.allclose(found[0], first.detach(), atol=1e-3)
    assert torch.equal(found[1], last.detach())


def test_pytorchs_own_functions_are_back_when_the_session_ends():
    module = importlib.import_module("torch.optim.adam")
    before = module.adam
    assert tacit.run(lambda: module.adam is not before, ["lab", "clinic"], settings=LOCAL)["lab"]
    assert module.adam is before


def test_lbfgs_is_refused_with_its_reason():
    def job():
        w = nn.Parameter(tacit.secret(torch.ones(2), owner="lab"))
        torch.optim.LBFGS([w]).step(lambda: (w * w).sum())

    with pytest.raises(PartyFailedError, match=r"LBFGS at test_optimizers.*values of the loss.*Use torch\.optim\.Adam"):
        tacit.run(job, ["lab", "clinic"], settings=LOCAL)
