"""Networks with secret parameters."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

import tacit
from tacit import Settings
from tacit.errors import EncodingError, InputRefusedError, MisuseError, PartyFailedError

LOCAL = Settings(randomness="insecure_local")


class Net(nn.Module):
    """The demo's shape: convolution, ReLU, pooling, a linear layer; a buffer of each kind; a tied weight."""

    def __init__(self, classes=3):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.first = nn.Linear(4 * 4 * 4, 5)
        self.again = nn.Linear(4 * 4 * 4, 5)
        self.again.weight = self.first.weight
        self.last = nn.Linear(5, classes)
        self.register_buffer("shift", torch.full((5,), 0.25))
        self.register_buffer("count", torch.tensor(3))

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv(x)), 2).flatten(1)
        return self.last(functional.relu(self.first(x) + self.again(x) + self.shift)) * self.count


def at_owner(make, owner="lab"):
    """The network with the owner's values at the owner, and other values elsewhere."""
    torch.manual_seed(5 if tacit.party().name == owner else 6)
    return make()


def run(job, parties=("lab", "clinic"), settings=LOCAL):
    return tacit.run(job, list(parties), settings=settings)


@pytest.mark.parametrize("parties", [("lab", "clinic"), ("clinic", "bank", "lab")])
@pytest.mark.parametrize("settings", [LOCAL, Settings(protocol="plaintext")], ids=["additive", "plaintext"])
def test_private_inference(parties, settings):
    torch.manual_seed(1)
    x = torch.rand(6, 1, 8, 8)

    def job():
        net = tacit.secret(at_owner(Net), owner="lab")
        images = tacit.secret(x if tacit.party().name == "clinic" else None, owner="clinic")
        return tacit.reveal(net(images), to="clinic")

    results = run(job, parties, settings)
    torch.manual_seed(5)
    wanted = Net()(x).detach()
    assert results["lab"] is None
    assert (results["clinic"] - wanted).abs().max() < 5e-4
    assert results["clinic"].dtype == torch.float32


def test_parameters_stay_the_same_objects():
    def job():
        net = at_owner(Net)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        before = dict(net.named_parameters())
        for parameter in net.parameters():
            parameter.grad = torch.ones_like(parameter)
        assert tacit.secret(net, owner="lab") is net
        after = dict(net.named_parameters())
        assert list(after) == list(before)
        assert all(after[name] is before[name] and after[name].grad is None for name in before)
        assert all(isinstance(p, nn.Parameter) and isinstance(p, tacit.Secret) for p in net.parameters())
        assert [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in net.parameters()]
        assert net.again.weight is net.first.weight
        assert isinstance(net.shift, tacit.Secret)
        assert not isinstance(net.count, tacit.Secret)
        tacit.secret(net, owner="lab")  # nothing is left to share
        duplicate = copy.deepcopy(net)
        assert duplicate.first.weight is not net.first.weight
        return tacit.reveal(duplicate.conv.weight)

    torch.manual_seed(5)
    assert (run(job)["clinic"] - Net().conv.weight).abs().max() < 2**-16


def test_a_network_that_was_used_in_public_before():
    def job():
        net = nn.Linear(2, 1)
        x = tacit.secret(torch.ones(2), owner="clinic")
        net(x)
        tacit.secret(net, owner="lab")
        return tacit.reveal(net(x)).shape

    torch.manual_seed(0)
    assert run(job)["lab"] == (1,)


def test_public_networks_need_no_communication_but_for_relu():
    def job():
        torch.manual_seed(2)
        net = nn.Linear(4, 3)
        x = tacit.secret(torch.ones(2, 4), owner="clinic")
        return tacit.reveal(net(x)), net(torch.ones(2, 4)).detach()

    secret, plain = run(job)["lab"]
    assert (secret - plain).abs().max() < 1e-4


def test_frozen_parameters_stay_frozen():
    def job():
        net = at_owner(Net)
        net.conv.requires_grad_(False)
        tacit.secret(net, owner="lab")
        return {name: p.requires_grad for name, p in net.named_parameters()}

    flags = run(job)["clinic"]
    assert not flags["conv.weight"]
    assert flags["last.weight"]


@pytest.mark.parametrize(
    ("here", "message"),
    [
        (lambda: Net(classes=4), r"last\.weight is \(4, 5\) torch\.float32 here and \(3, 5\) torch\.float32 at 'lab'"),
        (lambda: nn.Sequential(Net()), r"only 'lab' has conv\.weight"),
        (lambda: Net().double(), r"conv\.weight is \(4, 1, 3, 3\) torch\.float64 here"),
        (lambda: Net().requires_grad_(False), r"conv\.weight\.requires_grad is False here and True at 'lab'"),
    ],
)
def test_a_different_network_is_named_by_its_parameter(here, message):
    with pytest.raises(PartyFailedError, match=message) as caught:
        run(lambda: tacit.secret(Net() if tacit.party().name == "lab" else here(), owner="lab"))
    assert caught.value.party == "clinic"


def test_a_bad_value_is_explained_to_its_owner_only():
    seen = {}

    def job():
        net = at_owner(Net)
        with torch.no_grad():
            net.first.bias[1] = float("nan")
        try:
            tacit.secret(net, owner="lab")
        except Exception as error:
            seen[tacit.party().name] = error
            raise

    with pytest.raises(PartyFailedError) as caught:
        run(job)
    assert caught.value.party == "lab"
    assert isinstance(seen["lab"], EncodingError)
    assert "first.bias" in str(seen["lab"])
    assert isinstance(seen["clinic"], InputRefusedError)
    assert "first.bias" not in str(seen["clinic"])


def test_plain_values_are_not_loaded_into_a_secret_network():
    def job():
        torch.manual_seed(5)
        state = Net().state_dict()
        net = tacit.secret(at_owner(Net), owner="lab")
        with pytest.raises(MisuseError, match=r"is secret.*tacit\.secret\(net, owner="):
            net.load_state_dict(state)
        other = tacit.secret(at_owner(Net, "clinic"), owner="clinic")
        other.load_state_dict(net.state_dict())  # secrets into secrets is fine
        return tacit.reveal(other.first.weight)

    torch.manual_seed(5)
    assert (run(job)["clinic"] - Net().first.weight).abs().max() < 2**-16


def test_batch_normalization_in_training_mode_learns_its_statistics():
    images = torch.arange(36.0).view(1, 1, 6, 6) % 7

    def job():
        torch.manual_seed(3)
        net = tacit.secret(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), owner="lab")
        out = net(tacit.secret(images, owner="clinic"))
        return tacit.reveal(out), tacit.reveal(net[1].running_mean), tacit.reveal(net[1].running_var)

    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    wanted = net(images), net[1].running_mean, net[1].running_var
    for ours, theirs in zip(run(job)["clinic"], wanted, strict=True):
        assert (ours - theirs).abs().max() < 1e-3
