"""What must raise, and what the message teaches."""

import copy
import io

import pytest
import torch
from torch.nn import functional

import tacit
from tacit import Settings
from tacit.errors import MisuseError, PartyFailedError, SecretLeakError, TacitError, UnsupportedOpError

PLAIN = Settings(protocol="plaintext")


def at_the_lab(function, settings=PLAIN):
    """What ``function`` raises or returns on a secret; every party sees the same."""

    def job():
        x = tacit.secret(torch.tensor([[1.5, -2.0], [0.0, 4.0]]), owner="lab")
        try:
            return function(x)
        except TacitError as error:
            return error

    return tacit.run(job, ["lab", "clinic"], settings=settings)["clinic"]


LEAKS = {
    "item": lambda x: x[0, 0].item(),
    "bool": lambda x: bool(x[0, 0]),
    "condition": lambda x: 1 if x.sum() > 0 else 0,
    "float": lambda x: float(x[0, 0]),
    "int": lambda x: int(x[0, 0]),
    "numpy": lambda x: x.numpy(),
    "array": lambda x: __import__("numpy").asarray(x),
    "tolist": lambda x: x.tolist(),
    "dlpack": lambda x: torch.from_dlpack(x),
    "boolean index": lambda x: x[x > 0],
    "index of a plain tensor": lambda x: torch.zeros(2, 2)[x > 0],
    "nonzero": lambda x: x.nonzero(),
    "argwhere": lambda x: torch.argwhere(x),
    "is_nonzero": lambda x: torch.is_nonzero(x[0, 0]),
    "equal": lambda x: torch.equal(x, x),
    "allclose": lambda x: torch.allclose(x, x),
    "unique": lambda x: x.unique(),
    "in": lambda x: 1.5 in x,
    "format": lambda x: f"{x:.2f}",
    "masked_select": lambda x: x.masked_select(x > 0),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_refused_and_reveal_is_taught(name):
    error = at_the_lab(LEAKS[name])
    assert isinstance(error, SecretLeakError)
    assert "tacit.reveal" in str(error)
    assert "test_refusals.py:" in str(error)


UNSUPPORTED = {
    "mode": lambda x: x.mode(),
    "random dropout": lambda x: torch.native_dropout(x, 0.5, True),
    "random": lambda x: torch.rand_like(x),
    "to complex": lambda x: x.to(torch.complex64),
    "secret index behind a gap": lambda x: x[None, :, None].expand(2, 2, 2, 2)[:, x.argmax(1), :, x.argmin(1)],
    "weights of secret classes": lambda x: functional.nll_loss(x, x.argmax(1), torch.ones(2)),
    "sum of bits": lambda x: (x > 0) + (x > 1),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_built_says_so(name):
    error = at_the_lab(UNSUPPORTED[name])
    assert isinstance(error, UnsupportedOpError)
    assert "test_refusals.py:" in str(error)


@pytest.mark.parametrize(
    "dense",
    [
        lambda x: x.to_sparse(),
        lambda x: torch.sparse.mm(x.to_sparse(), x),
        lambda x: torch.fft.rfft(x),
        lambda x: functional.embedding(torch.tensor([1]), x.requires_grad_(), sparse=True).sum().backward(),
    ],
)
def test_what_gets_no_rule_says_why_in_one_line(dense):
    error = at_the_lab(dense)
    assert isinstance(error, UnsupportedOpError)
    assert "test_refusals.py:" in str(error)
    assert "To add one" not in str(error)


def test_an_unknown_operation_tells_how_to_add_it():
    text = str(at_the_lab(lambda x: torch.special.i1(x)))
    assert "aten.special_i1.default has no rule for secrets yet (called at test_refusals.py:" in text
    assert "tacit/tensor/rules/" in text
    assert "tacit/testing/samples/" in text


@pytest.mark.parametrize(
    "write",
    [
        lambda x: torch.zeros(2, 2).add_(x),
        lambda x: torch.zeros(2, 2).copy_(x),
        lambda x: torch.zeros(4, 2).__setitem__(slice(0, 2), x),
        lambda x: torch.add(x, x, out=torch.zeros(2, 2)),
    ],
)
def test_a_secret_is_not_written_into_a_plain_tensor(write):
    error = at_the_lab(write)
    assert isinstance(error, MisuseError)
    for remedy in ("new_zeros", "swap_tensors", "zeros_like"):
        assert remedy in str(error)


def test_nothing_prints_a_number():
    def shown(x):
        indices = x.max(1)[1]
        texts = (repr(x), str(x), f"{x}", repr(x > 0), repr(indices), repr(torch.nn.Parameter(x)), repr(x._share))
        return [*texts, repr(x._share.storage), repr(x._protocol)]

    texts = at_the_lab(shown)
    assert texts[:6] == [
        *["<secret float32 (2, 2)>"] * 3,
        "<secret bool (2, 2)>",
        "<secret int64 (2,)>",
        "<secret float32 (2, 2)>",
    ]
    assert not any("1.5" in text or "98304" in text for text in texts)


def test_a_secret_is_not_saved_but_can_be_copied():
    def job(x):
        with pytest.raises(MisuseError, match="cannot be saved"):
            torch.save(x, io.BytesIO())
        with pytest.raises(MisuseError, match="shared memory"):
            x.share_memory_()
        parameter = torch.nn.Parameter(x)
        duplicate = copy.deepcopy({"a": parameter, "b": parameter})
        assert duplicate["a"] is duplicate["b"]
        assert isinstance(duplicate["a"], torch.nn.Parameter)
        with torch.no_grad():
            duplicate["a"].zero_()
        return tacit.reveal(x), tacit.reveal(duplicate["a"])

    original, duplicate = at_the_lab(job)
    assert original.tolist() == [[1.5, -2.0], [0.0, 4.0]]
    assert duplicate.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_another_session_s_secret_is_refused():
    kept = []
    tacit.run(lambda: kept.append(tacit.secret(torch.ones(2), owner="lab")), ["lab", "clinic"], settings=PLAIN)

    def job():
        x = tacit.secret(torch.ones(2), owner="lab")
        with pytest.raises(MisuseError, match="two sessions"):
            x + kept[0]
        with pytest.raises(MisuseError, match="another session"):
            tacit.reveal(kept[0])

    tacit.run(job, ["lab", "clinic"], settings=PLAIN)


def test_different_public_operands_are_named_with_their_line():
    def job():
        x = tacit.secret(torch.ones(2, 2), owner="lab")
        y = x * torch.full((2, 2), float(tacit.party().rank))
        return tacit.reveal(y)

    with pytest.raises(PartyFailedError, match=r"public tensor.*\(2x2\).*test_refusals\.py"):
        tacit.run(job, ["lab", "clinic"], settings=Settings(randomness="insecure_local"))


def test_different_numbers_diverge():
    def job():
        x = tacit.secret(torch.ones(2, 2), owner="lab")
        return tacit.reveal(x * (2.5 + tacit.party().rank))

    with pytest.raises(PartyFailedError, match=r"mul\(2x2, 2\.5\)"):
        tacit.run(job, ["lab", "clinic"], settings=Settings(randomness="insecure_local"))


def test_in_inference_mode_everything_works_too():
    def infer(x):
        with torch.inference_mode():
            y = functional.linear(x, torch.eye(2), torch.ones(2))
            return tacit.reveal(torch.relu(y.reshape(4)).view(2, 2).flatten(0))

    assert at_the_lab(infer).tolist() == [2.5, 0.0, 1.0, 5.0]
