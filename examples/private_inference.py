"""One party's model on another party's data: the ten lines of the README.

    tacit run examples/private_inference.py --parties lab,clinic --show

Each party loads this file by itself. Here both make up what they have; in earnest they would read it from a file that
only they hold: `net.load_state_dict(torch.load("net.pt"))`, `torch.load("patients.pt")`.
"""

import torch
from torch import nn

import tacit


def job():
    me = tacit.party()
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))  # only the lab's weights count
    patients = torch.rand(5, 12) if me.name == "clinic" else None
    tacit.secret(net, owner="lab")
    x = tacit.secret(patients, owner="clinic")
    with torch.no_grad():
        y = net(x)
    return tacit.reveal(y, to="clinic")


if __name__ == "__main__":
    print(tacit.run(job, parties=["lab", "clinic"])["clinic"])
