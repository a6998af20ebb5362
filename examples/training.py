"""Two hospitals fit one model to the patients of both; only its final weights are revealed, to both.

tacit run examples/training.py --parties north,south --show
"""

import torch
from torch import nn

import tacit

STEPS, FEATURES = 40, 4


def patients(name):
    """What a hospital has: features and a number to predict. Made up; in earnest read from its own file."""
    generator = torch.Generator().manual_seed(sum(name.encode()))
    features = torch.randn(50, FEATURES, generator=generator)
    truth = torch.tensor([[1.0], [-2.0], [0.5], [0.0]])
    return features, features @ truth + 3 + 0.1 * torch.randn(50, 1, generator=generator)


def job():
    me = tacit.party()
    xs, ys = [], []
    for name in me.names:
        x, y = patients(name) if me.name == name else (None, None)
        xs.append(tacit.secret(x, owner=name))
        ys.append(tacit.secret(y, owner=name))
    x, y = torch.cat(xs), torch.cat(ys)

    net = nn.Linear(FEATURES, 1)
    tacit.secret(net, owner=me.names[0])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(STEPS):
        loss = nn.functional.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: tacit.reveal(parameter).flatten().tolist() for name, parameter in net.named_parameters()}


if __name__ == "__main__":
    print(tacit.run(job, parties=["north", "south"]))
