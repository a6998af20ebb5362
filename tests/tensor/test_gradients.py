"""One training step on secret data and secret weights, with PyTorch's own autograd and optimizers."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import tacit
from tacit import Settings
from tacit.runtime.session import current

CONFIGURATIONS = [Settings(protocol="plaintext"), Settings(randomness="insecure_local"), Settings()]
COMPARISONS = {"compare", "relu", "equals_zero"}


def mlp():
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24, 4),
    )


NETWORKS = {"mlp": (mlp, (8, 12)), "cnn": (cnn, (8, 1, 8, 8))}
OPTIMIZERS = {
    "plain": {},
    "momentum": {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True},
    "dampened": {"momentum": 0.5, "dampening": 0.1, "maximize": True},
    "foreach": {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True, "foreach": True},
}


def build(name):
    torch.manual_seed(7)
    make, shape = NETWORKS[name]
    return make(), torch.rand(shape), functional.one_hot(torch.arange(8) % 4, 4).float()


def steps(net, optimizer, x, target, count):
    losses = []
    for _ in range(count):
        optimizer.zero_grad()
        loss = functional.mse_loss(net(x), target, reduction="sum")
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


def job(name, options):
    net, x, target = build(name)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, **options)
    before = [id(p) for p in net.parameters()]
    tacit.secret(net, owner="lab")
    x, target = tacit.secret(x, owner="clinic"), tacit.secret(target, owner="clinic")
    losses = steps(net, optimizer, x, target, 2)
    assert [id(p) for p in net.parameters()] == before
    assert all(isinstance(p, nn.Parameter) and isinstance(p, tacit.Secret) for p in net.parameters())
    return (
        [tacit.reveal(p.grad) for p in net.parameters()],
        [tacit.reveal(p) for p in net.parameters()],
        [tacit.reveal(loss) for loss in losses],
    )


def relative(got, wanted):
    return float((got - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("options", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("settings", CONFIGURATIONS, ids=["plaintext", "insecure_local", "dealer"])
def test_two_steps_of_training(settings, network, options):
    gradients, parameters, losses = tacit.run(job, ["lab", "clinic"], (network, options), settings=settings)["clinic"]
    net, x, target = build(network)
    wanted = steps(net, torch.optim.SGD(net.parameters(), lr=0.02, **options), x, target, 2)
    for got, parameter in zip(gradients, net.parameters(), strict=True):
        assert relative(got, parameter.grad) < 1e-2
    for got, parameter in zip(parameters, net.parameters(), strict=True):
        assert relative(got, parameter.detach()) < 1e-3
    for got, loss in zip(losses, wanted, strict=True):
        assert relative(got, loss) < 1e-3


def primitives(before):
    return {place.primitive for place in current().meter.since(before)}


def test_gradients_of_relu_and_max_pool_need_no_comparison():
    def job():
        net, x, target = build("cnn")
        tacit.secret(net, owner="lab")
        x, target = tacit.secret(x, owner="clinic"), tacit.secret(target, owner="clinic")
        start = current().meter.snapshot()
        loss = functional.mse_loss(net(x), target)
        middle = current().meter.snapshot()
        forward = primitives(start)
        loss.backward()
        return forward, primitives(middle)

    forward, backward = tacit.run(job, ["lab", "clinic"], settings=Settings(randomness="insecure_local"))["lab"]
    assert forward & COMPARISONS
    assert not backward & COMPARISONS
    assert "select" in backward


def test_other_gradients_that_reuse_the_forward_pass():
    functions = {
        "leaky_relu": functional.leaky_relu,
        "hardtanh": functional.hardtanh,
        "relu6": functional.relu6,
        "max": lambda x: x.max(1)[0],
        "relu of a product": lambda x: torch.relu(x * x - 1),
    }

    def job():
        found = {}
        for name, function in functions.items():
            x = tacit.secret(torch.randn(4, 6), owner="lab").requires_grad_() + tacit.secret(torch.ones(6), "clinic")
            total = function(x).sum()
            before = current().meter.snapshot()
            total.backward()
            found[name] = primitives(before) & COMPARISONS
        return found

    found = tacit.run(job, ["lab", "clinic"], settings=Settings(randomness="insecure_local"))["lab"]
    assert found == {name: set() for name in functions}


def test_a_relu_after_a_linear_layer_costs_what_is_declared():
    """The truncation is joined: one opening, two rounds of the tree, one for the choice."""

    def job():
        x = tacit.secret(torch.randn(8, 16), owner="clinic") + tacit.secret(torch.zeros(16), owner="lab")
        w = tacit.secret(torch.randn(16, 16), owner="lab") + tacit.secret(torch.zeros(16), owner="clinic")
        product = functional.linear(x, w)
        channel, meter = current().channel, current().meter
        rounds, sent = channel.rounds, meter.bytes_sent
        torch.relu(product)
        return channel.rounds - rounds, (meter.bytes_sent - sent) * 8 / product.numel()

    settings = Settings(randomness="insecure_local")
    assert tacit.run(job, ["lab", "clinic"], settings=settings)["lab"] == (4, 98)


@pytest.mark.slow  # processes: threads that take turns would hide an order that is left to chance
def test_both_parties_run_backward_in_the_same_order():
    def job():
        net, x, target = build("cnn")
        tacit.secret(net, owner="lab")
        x, target = tacit.secret(x, owner="clinic"), tacit.secret(target, owner="clinic")
        functional.mse_loss(net(x), target).backward()
        return current().channel.transcript.digest

    digests = tacit.run(job, ["lab", "clinic"], settings=Settings(), backend="processes")
    assert digests["lab"] == digests["clinic"]


def test_gradients_accumulate_and_are_zeroed_in_place():
    def job():
        w = nn.Parameter(tacit.secret(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), owner="lab").t())
        x = tacit.secret(torch.tensor([0.5, -1.0]), owner="clinic")
        for _ in range(2):
            (w @ x).sum().backward()
        twice = tacit.reveal(w.grad)
        torch.optim.SGD([w], lr=0.1).zero_grad(set_to_none=False)
        return twice, tacit.reveal(w.grad)

    twice, zeroed = tacit.run(job, ["lab", "clinic"], settings=Settings(randomness="insecure_local"))["lab"]
    assert torch.equal(twice, torch.tensor([[1.0, -2.0], [1.0, -2.0]]))
    assert torch.equal(zeroed, torch.zeros(2, 2))
