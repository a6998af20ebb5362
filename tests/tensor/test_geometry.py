"""A result has the dtype and strides that PyTorch gives it, the same at every party."""

import pytest
import torch
from torch.nn import functional

import tacit

SETTINGS = tacit.Settings(randomness="insecure_local")


def outlines(function, *shapes, parties=("lab", "clinic")):
    """Of what ``function`` returns for secrets of two owners: at each party, and of plain tensors."""

    def job():
        inputs = [tacit.secret(torch.rand(shape), owner=parties[i % 2]) for i, shape in enumerate(shapes)]
        return [(tuple(x.shape), x.dtype, x.stride()) for x in function(*(x.requires_grad_() for x in inputs))]

    plain = function(*(torch.rand(shape, requires_grad=True) for shape in shapes))
    expected = [(tuple(x.shape), x.dtype, x.stride()) for x in plain]
    return tacit.run(job, list(parties), settings=SETTINGS), expected


def gradients(function):
    def both(*inputs):
        return [out := function(*inputs), *torch.autograd.grad((out**2).sum(), inputs)]

    return both


CASES = {
    "batch_norm1d": (torch.nn.BatchNorm1d(3).eval(), (4, 3)),
    "batch_norm2d": (torch.nn.BatchNorm2d(3).eval(), (2, 3, 4, 4)),
    "batch_norm3d": (torch.nn.BatchNorm3d(3).eval(), (2, 3, 2, 2, 2)),
    "instance_norm": (torch.nn.InstanceNorm2d(3, track_running_stats=True).eval(), (2, 3, 4, 4)),
    "tensordot": (lambda a, b: torch.tensordot(a, b, dims=([0, 1], [2, 0])), (2, 2, 1), (2, 1, 2)),
    "cross_entropy": (lambda x: functional.cross_entropy(x, torch.tensor([1, 0])), (2, 3)),
    "cross_entropy_of_probabilities": (functional.cross_entropy, (2, 3, 1, 2), (2, 3, 1, 2)),
    "nll_loss": (lambda x: functional.nll_loss(x, torch.tensor([1, 0]), reduction="none"), (2, 3)),
    "sum_of_transposed": (lambda x: x.t() + 1, (3, 4)),
    "dropout": (lambda x: functional.dropout(x, 1.0), (3, 4)),
    "relu_of_channels_last": (lambda x: x.contiguous(memory_format=torch.channels_last).relu(), (2, 3, 4, 4)),
}


@pytest.mark.parametrize("case", CASES)
def test_results_and_gradients_look_as_in_pytorch(case):
    function, *shapes = CASES[case]
    found, expected = outlines(gradients(function), *shapes)
    for party in found:
        assert found[party] == expected, party


def test_batch_norm_before_a_convolution():
    def job():
        torch.manual_seed(3)
        net = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Conv2d(3, 4, 3)).eval()
        x = torch.rand(1, 3, 5, 5)
        return tacit.reveal(net(tacit.secret(x, owner="clinic"))), net(x).detach()

    for ours, theirs in tacit.run(job, ["lab", "clinic"], settings=SETTINGS).values():
        assert ours.dtype == theirs.dtype
        assert (ours - theirs).abs().max() < 1e-3


def test_argmax_of_one_number_keeps_no_dimension():
    def job():
        x = tacit.secret(torch.tensor(3.0), owner="lab")
        return [tuple(f(x, 0, keepdim=True).shape) for f in (torch.argmax, torch.argmin)]

    for shapes in tacit.run(job, ["lab", "clinic"], settings=SETTINGS).values():
        assert shapes == [(), ()]


def test_the_signs_of_a_relu_in_another_layout_are_not_asked_for_again():
    def job():
        costs = []
        for layout in (torch.contiguous_format, torch.channels_last):
            x = sum(tacit.secret(torch.randn(2, 3, 4, 4), owner=name) for name in ("lab", "clinic"))
            x = x.contiguous(memory_format=layout).detach().requires_grad_()
            y = x.relu()
            with tacit.profile() as p:
                torch.autograd.grad(y.sum(), x)
            costs.append((p.rounds, p.bytes_sent))
        return costs

    for contiguous, channels_last in tacit.run(job, ["lab", "clinic"], settings=SETTINGS).values():
        assert channels_last == contiguous
