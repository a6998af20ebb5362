"""A profile says which module of a network costs what."""

import torch
from torch import nn

import tacit


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


def job() -> dict[str, int]:
    net = Net()
    tacit.secret(net, owner="lab")
    x = tacit.secret(torch.ones(3, 4) if tacit.party().name == "clinic" else None, owner="clinic")
    with tacit.profile() as p, torch.no_grad():
        y = net(x)
        y.sum()
        try:
            net.head(x)  # of the wrong shape: the scope ends all the same
        except Exception:
            y.abs()
    net(x)  # no longer recorded
    sent: dict[str, int] = {}
    for place, cost in p.costs.items():
        sent[place.module] = sent.get(place.module, 0) + cost.bytes_sent
    assert sum(sent.values()) == p.bytes_sent
    assert "Net.features.1" in str(p.table("module"))
    return {module: count for module, count in sent.items() if count}


def test_costs_count_under_the_module_that_runs() -> None:
    for sent in tacit.run(job, parties=["lab", "clinic"]).values():
        assert set(sent) == {"Net.features.0", "Net.features.1", "Net.head", ""}
