"""Integers and bits where numbers are expected: promoted as PyTorch promotes, or refused at every party alike."""

import contextlib

import pytest
import torch
from torch.nn import functional

import tacit
from tacit.errors import PartyFailedError
from tacit.tensor import registry

SETTINGS = tacit.Settings(randomness="insecure_local")
VALUES = {
    torch.bool: torch.tensor([[True, False, True], [False, True, True]]),
    torch.int64: torch.tensor([[3, -2, 1], [0, 4, -1]]),
    torch.int32: torch.tensor([[2, -5, 1], [0, 3, 7]], dtype=torch.int32),
    torch.uint8: torch.tensor([[2, 5, 1], [0, 3, 7]], dtype=torch.uint8),
}
FLOATS = torch.tensor([[0.5, -1.5, 2.0], [1.0, 0.25, -3.0]])

FUNCTIONS = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "softplus": functional.softplus,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "hardtanh": functional.hardtanh,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "exp": lambda x: torch.exp(x.clamp(max=3)),
    "cos": torch.cos,
    "erf": torch.erf,
    "reciprocal": lambda x: (x * x + 1).reciprocal(),
    "sqrt": lambda x: (x * x).sqrt(),
    "neg": torch.neg,
    "abs": torch.abs,
    "sign": torch.sign,
    "floor": torch.floor,
    "round": torch.round,
    "frac": torch.frac,
    "square": torch.square,
    "softmax": lambda x: x.softmax(1),
    "softmax in float": lambda x: x.softmax(1, dtype=torch.float32),
    "log_softmax": lambda x: x.log_softmax(1),
    "logsumexp": lambda x: x.logsumexp(1),
    "mean": torch.mean,
    "mean in float": lambda x: x.mean(1, dtype=torch.float32),
    "sum": torch.sum,
    "cumsum": lambda x: x.cumsum(1),
    "var": torch.var,
    "std": torch.std,
    "norm": torch.linalg.vector_norm,
    "amax": lambda x: x.amax(1),
    "argmax": lambda x: x.argmax(1),
    "max": lambda x: x.max(1).values,
    "layer_norm": lambda x: functional.layer_norm(x, (3,)),
    "clamp from a fraction": lambda x: x.clamp(min=0.5),
    "clamp to a fraction": lambda x: x.clamp(max=0.5),
    "clamp between integers": lambda x: x.clamp(0, 1),
    "clamp between bits": lambda x: x.clamp(False, True),
    "mse_loss": lambda x: functional.mse_loss(x, x),
    "l1_loss": lambda x: functional.l1_loss(x, x),
    "mse_loss with floats": lambda x: functional.mse_loss(x, FLOATS),
    "difference of two": lambda x: x - x,
    "half": lambda x: x / 2,
    "power": lambda x: x**2,
    "matmul": lambda x: x @ x.t(),
    "linear": lambda x: functional.linear(x, torch.ones(4, 3)),
    "dropout": lambda x: functional.dropout(x, 0.5, training=False),
    "floats minus it": lambda x: FLOATS - x,
    "written into floats": lambda x: (x * 0.0 + 1.0).sub_(x),
    "exp_ of itself": lambda x: x.clone().exp_(),
    "where": lambda x: torch.where(x > 0, x, 0.5),
    "maximum": lambda x: torch.maximum(x, FLOATS),
}


def outcome(function, x, open_result=lambda value: value):
    """What comes out: a type and values, or the type of the error."""
    try:
        out = function(x)
    except Exception as error:
        return type(error), None
    return out.dtype, open_result(out)


@pytest.mark.parametrize("owners", ["one", "both"])
@pytest.mark.parametrize("dtype", VALUES, ids=str)
def test_promoted_or_refused_as_in_pytorch(dtype, owners):
    x = VALUES[dtype]

    def job():
        secret = tacit.secret(x, owner="lab")
        if owners == "both":
            other = tacit.secret(torch.zeros_like(x), owner="clinic")
            secret = secret | other if dtype == torch.bool else secret + other
        return {name: outcome(function, secret, tacit.reveal) for name, function in FUNCTIONS.items()}

    wrong = {}
    for party, found in tacit.run(job, ["lab", "clinic"], settings=SETTINGS).items():
        for name, function in FUNCTIONS.items():
            (kind, value), (expected_kind, expected) = found[name], outcome(function, x)
            if expected is None and value is None:
                continue  # refused by both
            close = kind == expected_kind and torch.allclose(value.double(), expected.double(), atol=2e-3, rtol=1e-3)
            if not close:
                wrong[party, name] = (kind, value, expected_kind, expected)
    assert not wrong


def test_an_error_at_one_party_only_is_a_divergence_before_anything_is_opened(monkeypatch):
    """A program that catches what only its own party raises goes on out of step; that may open nothing."""
    entry = registry.find(torch.ops.aten.sigmoid.default)

    def fails_at_lab(protocol, x):
        out = entry.rule(protocol, x)
        if tacit.party().name == "lab":
            raise ValueError("a fault of its own, after a part of the steps")
        return out

    monkeypatch.setitem(registry._table, torch.ops.aten.sigmoid.default, entry._replace(rule=fails_at_lab))

    def job():
        x = tacit.secret(torch.rand(4), owner="lab")
        y = tacit.secret(torch.rand(4), owner="clinic")
        with contextlib.suppress(ValueError):
            y.sigmoid()
        return tacit.reveal(x * y)

    with pytest.raises(
        PartyFailedError,
        match=r"DivergenceError: diverged .* lab ran sigmoid, which failed \(ValueError\) at .*, clinic ran mul",
    ):
        tacit.run(job, ["lab", "clinic"], settings=SETTINGS)
