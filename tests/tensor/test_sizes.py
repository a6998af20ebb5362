"""Tensors without elements or dimensions: what is not a number is refused, at every party, and the session goes on.

What is a number is compared with PyTorch in the parity test (``tacit.testing.samples.sizes``).
"""

import pytest
import torch
from torch.nn import functional

import tacit
from tacit.errors import MisuseError

SETTINGS = tacit.Settings(randomness="insecure_local")
NOT_A_NUMBER = {
    "mean of nothing": (lambda x: x[:0].mean(), MisuseError, "mean at .* is of no elements, .* gives nan"),
    "mean along nothing": (lambda x: x[:, :0].mean(1), MisuseError, "is of no elements"),
    "mse_loss of nothing": (lambda x: functional.mse_loss(x[:0], x[:0]), MisuseError, "is of no elements"),
    "logsumexp of nothing": (lambda x: x[:, :0].logsumexp(1), MisuseError, "gives -inf"),
    "var of one": (lambda x: x[0, :1].var(), MisuseError, "variance of 1 elements .* correction=0"),
    "std with too much correction": (lambda x: x.std(0, correction=9), MisuseError, "variance of 3 elements"),
    "amax of nothing": (lambda x: x[:0].amax(0), IndexError, "amax"),
    "max of nothing": (lambda x: x[:0].max(), RuntimeError, "max"),
    "argmax of nothing": (lambda x: x[:0].argmax(), IndexError, "argmax"),
    "a dimension that is not there": (lambda x: x.sum(2), IndexError, "out of range"),
}


@pytest.mark.parametrize("case", NOT_A_NUMBER)
def test_what_is_not_a_number_is_refused_everywhere(case):
    function, error, says = NOT_A_NUMBER[case]

    def job():
        x = tacit.secret(torch.rand(3, 4), owner="clinic")
        with pytest.raises(error, match=says):
            function(x)
        return tacit.reveal(x.sum())

    found = tacit.run(job, ["lab", "clinic", "bank"], settings=SETTINGS)
    assert len({float(value) for value in found.values()}) == 1


def test_var_of_one_without_correction_is_zero():
    def job():
        x = tacit.secret(torch.rand(1), owner="clinic")
        return tacit.reveal(x.var(correction=0)), tacit.reveal(tacit.secret(torch.rand(0, 3), owner="lab"))

    for var, empty in tacit.run(job, ["lab", "clinic"], settings=SETTINGS).values():
        assert var == 0
        assert empty.shape == (0, 3)


def test_operations_on_nothing_cost_nothing():
    def job():
        x = tacit.secret(torch.rand(0, 3), owner="clinic") * tacit.secret(torch.rand(0, 3), owner="lab")
        w = tacit.secret(torch.rand(3, 2), owner="lab")
        with tacit.profile() as p:
            out = [x.relu(), x.softmax(1), x @ w, x.sum(0), x > 0, torch.nn.functional.layer_norm(x, (3,))]
        return p.rounds, p.bytes_sent, [tuple(v.shape) for v in out]

    rounds, sent, shapes = tacit.run(job, ["lab", "clinic"], settings=SETTINGS)["lab"]
    assert (rounds, sent) == (0, 0)
    assert shapes == [(0, 3), (0, 3), (0, 2), (3,), (0, 3), (0, 3)]
