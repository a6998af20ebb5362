"""Recurrent layers, and layers that have no parameters yet."""

import copy

import pytest
import torch
from torch import nn

import tacit
from tacit import Settings
from tacit.errors import MisuseError, PartyFailedError, UnsupportedOpError

LOCAL = Settings(randomness="insecure_local")

LAYERS = {
    "lstm": lambda: nn.LSTM(3, 4),
    "lstm, two layers, both ways, batch first": lambda: nn.LSTM(
        3, 4, num_layers=2, bidirectional=True, batch_first=True
    ),
    "lstm, projected": lambda: nn.LSTM(3, 4, proj_size=2, bias=False),
    "gru": lambda: nn.GRU(3, 4, batch_first=True),
    "gru, both ways": lambda: nn.GRU(3, 4, bidirectional=True),
    "tanh": lambda: nn.RNN(3, 4),
    "relu": lambda: nn.RNN(3, 4, nonlinearity="relu", bias=False),
    "lstm cell": lambda: nn.LSTMCell(3, 4),
    "gru cell": lambda: nn.GRUCell(3, 4),
    "cell": lambda: nn.RNNCell(3, 4),
}


def parts_of(result):
    """The output and the last states; of a cell, what it gives."""
    if isinstance(result, torch.Tensor):
        return [result]
    output, last = result
    return [output, *last] if isinstance(last, tuple) else [output, last]


def run(job):
    return tacit.run(job, ["lab", "clinic"], settings=LOCAL)


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # of the plain one
@pytest.mark.parametrize("name", LAYERS)
def test_a_recurrent_layer_gives_what_the_plain_one_gives(name):
    torch.manual_seed(3)
    plain = LAYERS[name]()
    x = torch.randn(2, 3) if "cell" in name else torch.randn(3, 2, 3)

    def job():
        net = copy.deepcopy(plain)
        before = list(net.parameters())
        assert tacit.secret(net, owner="lab") is net
        assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
        for mine, theirs in zip(net.parameters(), plain.parameters(), strict=True):
            assert (tacit.reveal(mine) - theirs).abs().max() < 1e-4
        secret = tacit.secret(x, owner="clinic").requires_grad_()
        parts = parts_of(net(secret))
        parts[0].square().sum().backward()
        found = [*(part.detach() for part in parts), secret.grad, *(p.grad for p in net.parameters())]
        return [tacit.reveal(f) for f in found]

    found = run(job)["clinic"]
    clear = x.clone().requires_grad_()
    parts = parts_of(plain(clear))
    parts[0].square().sum().backward()
    wanted = [*parts, clear.grad, *(p.grad for p in plain.parameters())]
    for got, want in zip(found, wanted, strict=True):
        assert got.shape == want.shape
        assert (got - want).abs().max() < 5e-3


def test_an_input_alone_may_be_secret():
    torch.manual_seed(4)
    plain, x = nn.LSTM(3, 4), torch.randn(3, 2, 3)

    def job():
        with torch.no_grad():
            return tacit.reveal(plain(tacit.secret(x, owner="clinic"))[0])

    assert (run(job)["lab"] - plain(x)[0]).abs().max() < 2e-3


def test_a_packed_sequence_is_refused():
    def job():
        net = tacit.secret(nn.GRU(3, 4), owner="lab")
        packed = nn.utils.rnn.pack_padded_sequence(torch.rand(3, 2, 3), torch.tensor([3, 2]))
        with pytest.raises(UnsupportedOpError, match="padded batch"):
            net(packed)

    run(job)


def test_a_lazy_layer_must_have_run_once():
    def job():
        tacit.secret(nn.Sequential(nn.LazyLinear(3)), owner="lab")

    with pytest.raises(PartyFailedError, match=r"0\.weight.*run the network once on plain data") as failed:
        run(job)
    assert isinstance(failed.value.__cause__, MisuseError)


def test_a_lazy_layer_that_has_run_is_shared():
    torch.manual_seed(2)
    net, x = nn.Sequential(nn.LazyLinear(3)), torch.rand(2, 4)
    wanted = net(x).detach()

    def job():
        return tacit.reveal(tacit.secret(copy.deepcopy(net), owner="lab")(x))

    assert (run(job)["lab"] - wanted).abs().max() < 1e-3
