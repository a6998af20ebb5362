"""The way in and the way out."""

import numpy as np
import pytest
import torch

import tacit
from tacit import Settings
from tacit.errors import EncodingError, InputRefusedError, MisuseError, PartyFailedError

LOCAL = Settings(randomness="insecure_local")


def run(job, parties=("lab", "clinic"), settings=LOCAL):
    return tacit.run(job, list(parties), settings=settings)


def mine(value, owner="lab"):
    return value if tacit.party().name == owner else None


VALUES = {
    "float32": torch.tensor([[1.5, -2.25]]),
    "float64": torch.tensor([1e6, -1e-3], dtype=torch.float64),
    "float16": torch.tensor([0.5], dtype=torch.float16),
    "int64": torch.tensor([2**61, -(2**61), 0]),
    "int8": torch.tensor([[-128, 127]], dtype=torch.int8),
    "uint8": torch.tensor([255], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(3.0),
    "empty": torch.zeros(0, 3),
    "strided": torch.arange(6.0).view(2, 3).t(),
}


@pytest.mark.parametrize("parties", [("lab", "clinic"), ("lab", "clinic", "bank")])
@pytest.mark.parametrize("settings", [LOCAL, Settings(protocol="plaintext")], ids=["additive", "plaintext"])
def test_a_value_comes_back_with_shape_and_type(parties, settings):
    def job():
        secrets = {name: tacit.secret(mine(value), owner="lab") for name, value in VALUES.items()}
        assert all(s.shape == VALUES[n].shape and s.dtype == VALUES[n].dtype for n, s in secrets.items())
        return {name: tacit.reveal(secret) for name, secret in secrets.items()}

    for result in run(job, parties, settings).values():
        for name, value in VALUES.items():
            assert result[name].dtype == value.dtype
            assert (result[name].double() - value.double()).abs().amax().item() <= 2**-17 if value.numel() else True


@pytest.mark.parametrize(
    ("value", "dtype", "decoded"),
    [
        (1.25, torch.float32, 1.25),
        (3, torch.int64, 3),
        (True, torch.bool, True),
        ([1.5, 2.5], torch.float32, [1.5, 2.5]),
        (np.float32(0.75), torch.float32, 0.75),
        (np.float64(-1234.0625), torch.float64, -1234.0625),
        (np.array([0.5, -7.75]), torch.float64, [0.5, -7.75]),
        (np.int32(7), torch.int32, 7),
        (np.array([[True, False]]), torch.bool, [[True, False]]),
        (np.arange(6.0).reshape(2, 3)[:, ::-1], torch.float64, [[2, 1, 0], [5, 4, 3]]),
    ],
)
def test_numbers_lists_and_arrays(value, dtype, decoded):
    result = run(lambda: tacit.reveal(tacit.secret(mine(value), owner="lab")))["clinic"]
    assert result.dtype == dtype
    assert result.tolist() == decoded


def test_requires_grad_travels():
    def job():
        x = tacit.secret(mine(torch.ones(3, requires_grad=True)), owner="lab")
        (x * 2).sum().backward()
        return tacit.reveal(x.grad)

    assert run(job)["clinic"].tolist() == [2, 2, 2]


def test_reveal_to_one_and_the_ledger():
    def job():
        x = tacit.secret(mine(torch.ones(2, 3)), owner="lab")
        to_clinic, plain = tacit.reveal(x * 2, to="clinic"), tacit.reveal(torch.zeros(1))
        tacit.reveal(x > 0)
        return to_clinic, plain, [str(entry) for entry in tacit.ledger()]

    results = run(job)
    assert results["lab"][0] is None
    assert results["clinic"][0].tolist() == [[2, 2, 2], [2, 2, 2]]
    assert results["clinic"][1].tolist() == [0]
    for _, _, entries in results.values():
        assert len(entries) == 2
        assert entries[0].startswith("2x3 float32 to clinic at test_sharing.py:")
        assert entries[1].startswith("2x3 bool to lab, clinic at test_sharing.py:")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 2.0**46])
def test_a_refused_value_is_explained_to_its_owner_only(bad):
    seen = {}

    def job():
        value = torch.tensor([[1.0, 2.0], [3.0, bad]])
        try:
            tacit.secret(mine(value), owner="lab")
        except Exception as error:
            seen[tacit.party().name] = error
            raise

    with pytest.raises(PartyFailedError) as caught:
        run(job)
    assert caught.value.party == "lab"
    assert isinstance(seen["lab"], EncodingError)
    assert "[1, 1]" in str(seen["lab"])
    assert isinstance(seen["clinic"], InputRefusedError)
    assert "only it knows why" in str(seen["clinic"])
    assert "[1, 1]" not in str(seen["clinic"])


def test_an_owner_who_is_no_party_is_named_with_those_who_are():
    with pytest.raises(PartyFailedError, match=r"'hospital'.*'lab', 'clinic'"):
        run(lambda: tacit.secret(torch.ones(1), owner="hospital"))


def test_a_receiver_who_is_no_party():
    with pytest.raises(PartyFailedError, match=r"'hospital'.*'lab', 'clinic'"):
        run(lambda: tacit.reveal(tacit.secret(torch.ones(1), owner="lab"), to="hospital"))


def test_shapes_that_differ_are_both_named():
    def job():
        tacit.secret(torch.ones(2, 3 if tacit.party().name == "lab" else 4), owner="lab")

    with pytest.raises(PartyFailedError, match=r"\(2, 3\).*\(2, 4\)") as caught:
        run(job)
    assert caught.value.party == "clinic"


def test_the_same_shape_elsewhere_is_fine():
    result = run(lambda: tacit.reveal(tacit.secret(torch.full((2,), float(tacit.party().rank)), owner="clinic")))
    assert result["lab"].tolist() == [1, 1]


@pytest.mark.parametrize("value", [None, "text", torch.ones(1, dtype=torch.complex64), object()])
def test_no_value_or_a_strange_one_at_the_owner(value):
    with pytest.raises(PartyFailedError) as caught:
        run(lambda: tacit.secret(mine(value), owner="lab"))
    assert caught.value.party == "lab"
    assert isinstance(caught.value.__cause__, MisuseError)


def test_a_secret_twice():
    with pytest.raises(PartyFailedError, match="secret already"):
        run(lambda: tacit.secret(tacit.secret(1.0, owner="lab"), owner="lab"))


LAYOUTS = {
    "transposed": torch.arange(12.0).view(3, 4).t(),
    "channels last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "one channel, last": torch.rand(2, 1, 4, 5).to(memory_format=torch.channels_last),
    "every other": torch.arange(24.0).view(4, 6)[:, ::2],
    "expanded": torch.arange(3.0).expand(4, 3),
    "permuted bits": (torch.arange(24).view(2, 3, 4) % 5 > 2).permute(2, 0, 1),
    "without elements": torch.zeros(3, 0, 2).permute(2, 1, 0),
    "without dimensions": torch.tensor(2.5),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_secret_lies_in_memory_as_a_clone_of_the_value_does_at_every_party(name):
    value = LAYOUTS[name]

    def job():
        x = tacit.secret(value if tacit.party().name == "clinic" else None, owner="clinic")
        return x.stride(), tacit.reveal(x)

    for stride, opened in tacit.run(job, ["lab", "clinic", "bank"], settings=LOCAL).values():
        assert stride == value.clone().stride()
        assert torch.allclose(opened.double(), value.double(), atol=1e-4)


def test_a_network_lies_in_memory_as_the_owners_does():
    def job():
        net = torch.nn.Conv2d(3, 4, 3)
        if tacit.party().name == "lab":
            net = net.to(memory_format=torch.channels_last)
        return tacit.secret(net, owner="lab").weight.stride()

    found = set(tacit.run(job, ["lab", "clinic"], settings=LOCAL).values())
    assert found == {torch.empty(4, 3, 3, 3).to(memory_format=torch.channels_last).stride()}
