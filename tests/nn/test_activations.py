import pytest
import torch
from torch import nn

import tacit
from tacit.nn.activations import restore_activations

activations = pytest.importorskip("transformers.activations")


@pytest.mark.parametrize("name", ["NewGELUActivation", "FastGELUActivation", "AccurateGELUActivation"])
def test_a_gelu_spelled_out_is_the_same_function(name):
    spelled = getattr(activations, name)().eval()
    x = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    restored = restore_activations(spelled)
    assert isinstance(restored, nn.GELU)
    assert not restored.training
    assert (restored(x) - spelled(x)).abs().max() < 1e-7


def test_other_modules_stay():
    net = nn.Sequential(nn.Linear(2, 2), activations.GELUActivation(), nn.Sequential(activations.NewGELUActivation()))
    found = restore_activations(net)
    assert found is net
    assert [type(module).__name__ for module in (*net, *net[2])] == ["Linear", "GELUActivation", "Sequential", "GELU"]


def test_a_secret_network_costs_what_one_gelu_costs():
    x = torch.randn(64, generator=torch.Generator().manual_seed(1))

    def job(activation):
        net = nn.Sequential(nn.Linear(64, 64), activation, nn.Linear(64, 1))
        tacit.secret(net, owner="lab")
        secret = tacit.secret(x if tacit.party().name == "clinic" else None, owner="clinic")
        with torch.no_grad(), tacit.profile() as p:
            net(secret)
        return p.rounds, p.bytes_sent

    settings = tacit.Settings(randomness="insecure_local")
    spelled, plain = (
        tacit.run(job, ["lab", "clinic"], (activation,), settings=settings)["lab"]
        for activation in (activations.NewGELUActivation(), nn.GELU())
    )
    assert spelled == plain
