"""Tensors that cannot be secret as they are: one line says what to give instead."""

import re
import warnings

import pytest
import torch
from torch import nn

import tacit
from tacit import Settings
from tacit.errors import EncodingError, InputRefusedError

LOCAL = Settings(randomness="insecure_local")

UNFIT = {
    "sparse": (lambda: torch.eye(2).to_sparse(), r"to_dense\(\)"),
    "sparse rows": (lambda: torch.eye(2).to_sparse_csr(), r"to_dense\(\)"),
    "quantized": (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), r"dequantize\(\)"),
    "complex": (lambda: torch.ones(2, dtype=torch.complex64), "view_as_real"),
    "nested": (lambda: torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]), "to_padded_tensor"),
    "jagged": (
        lambda: torch.nested.nested_tensor([torch.ones(1, 2), torch.ones(2, 2)], layout=torch.jagged),
        "to_padded_tensor",
    ),
    "meta": (lambda: torch.ones(2, device="meta"), "no values"),
}


def refused(make):
    """What each party gets to see."""

    def job():
        try:
            tacit.secret(make(), owner="lab")
        except (EncodingError, InputRefusedError) as error:
            return error

    found = tacit.run(job, ["lab", "clinic"], settings=LOCAL)
    assert isinstance(found["clinic"], InputRefusedError)
    assert isinstance(found["lab"], EncodingError)
    assert "\n" not in str(found["lab"])
    assert "test_unfit.py:" in str(found["lab"])
    return str(found["lab"])


@pytest.mark.parametrize("name", UNFIT)
def test_a_tensor_that_is_no_plain_array_is_refused(name):
    make, taught = UNFIT[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, about prototypes
        message = refused(lambda: make() if tacit.party().name == "lab" else None)
    assert re.search(taught, message)


@pytest.mark.parametrize("name", ["complex", "meta"])
def test_a_network_with_such_a_parameter_is_refused(name):
    def make():
        net = nn.Linear(2, 2)
        net.odd = nn.Parameter(UNFIT[name][0]())
        return net

    assert "odd: " in refused(make)
