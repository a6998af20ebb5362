"""Any number of hospitals learn the average and the longest stay of all their patients, and nothing about each other's.

tacit run examples/average.py --parties north,south,west --show
"""

import torch

import tacit


def job():
    me = tacit.party()
    stays = torch.randint(1, 30, (20,)).float() if me.rank % 2 else torch.randint(1, 9, (20,)).float()
    everybody = torch.cat([tacit.secret(stays if me.name == name else None, owner=name) for name in me.names])
    return {"average": tacit.reveal(everybody.mean()).item(), "longest": tacit.reveal(everybody.max()).item()}


if __name__ == "__main__":
    print(tacit.run(job, parties=["north", "south", "west"]))
