"""Batch normalization in eval mode is folded away, by structure alone."""

import pytest
import torch
from torch import nn

import tacit
from tacit import Settings
from tacit.nn.folding import ChannelAffine, fold_batch_norms


def lively(net):
    """Statistics and weights that are not the initial ones."""
    torch.manual_seed(3)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
    return net.eval()


class Residual(nn.Module):
    """As in a residual network: attributes, not a chain; one result is used twice."""

    def __init__(self):
        super().__init__()
        self.bn2 = nn.BatchNorm2d(3)  # registered before its convolution
        self.conv1 = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(3)
        self.conv2 = nn.Conv2d(3, 3, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(3)
        self.conv3 = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y)) + x
        z = self.conv3(y)
        return self.bn3(z) + z


class Untraceable(nn.Module):
    """The forward pass depends on values, so that only plain chains are known."""

    def __init__(self):
        super().__init__()
        self.chain = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.BatchNorm1d(3))
        self.alone = nn.BatchNorm1d(3)

    def forward(self, x):
        if x.shape[0] > 100 and x.dim() == len(list(x.shape)):
            return x
        return self.alone(self.chain(x))


class Twice(nn.Module):
    """One layer and one normalization that are used twice."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        return self.norm(self.layer(self.norm(self.layer(x))))


CASES = {
    "chain": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()), (2, 3, 5, 5), 0),
    "groups": (lambda: nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.BatchNorm2d(4)), (2, 4, 5, 5), 0),
    "1d": (lambda: nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4)), (2, 3, 5), 0),
    "not affine": (lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, affine=False)), (2, 4), 0),
    "first": (lambda: nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)), (2, 3, 5, 5), 1),
    "after relu": (lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.BatchNorm1d(3)), (2, 4), 1),
    "alone": (lambda: nn.BatchNorm2d(3), (2, 3, 4, 4), 1),
    "residual": (Residual, (2, 3, 5, 5), 1),
    "untraceable": (Untraceable, (2, 4), 2),
    "twice": (Twice, (2, 4), 1),
}


@pytest.mark.parametrize("name", CASES)
def test_the_folded_network_computes_the_same(name):
    make, shape, affine_left = CASES[name]
    net = lively(make())
    x = torch.randn(shape)
    wanted = net(x)
    folded = fold_batch_norms(net)
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in folded.modules())
    assert sum(isinstance(m, ChannelAffine) for m in folded.modules()) == affine_left
    assert torch.allclose(folded(x), wanted, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_on_secrets(name):
    make, shape, _ = CASES[name]
    torch.manual_seed(8)
    x, net = torch.randn(shape), lively(make())
    wanted = net(x).detach()
    state = {key: value.clone() for key, value in net.state_dict().items()}

    def job():
        net = make().eval()
        if tacit.party().name == "lab":
            net.load_state_dict(state)
        net = tacit.secret(net, owner="lab")
        secret = tacit.secret(x if tacit.party().name == "clinic" else None, owner="clinic")
        return tacit.reveal(net(secret))

    results = tacit.run(job, ["lab", "clinic"], settings=Settings(randomness="insecure_local"))
    assert (results["clinic"] - wanted).abs().max() < 1e-3


def test_in_training_mode_nothing_is_folded():
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    assert fold_batch_norms(net) is net
    assert isinstance(net[1], nn.BatchNorm1d)


def test_a_layer_with_a_shared_weight_is_left_alone():
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    lively(net)
    x = torch.randn(5, 3)
    wanted = net(x)
    assert torch.allclose(fold_batch_norms(net)(x), wanted, atol=1e-5)
    assert isinstance(net[1], ChannelAffine)


def test_frozen_parameters_stay_frozen():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.BatchNorm2d(2)).eval()
    fold_batch_norms(net.requires_grad_(False))
    assert not any(p.requires_grad for p in net.parameters())
