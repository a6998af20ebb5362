"""Conditions on secrets, in one's own code and in other people's: answered where all know the answer."""

import pytest
import torch

import tacit
from tacit import Settings
from tacit.errors import SecretLeakError

LOCAL = Settings(randomness="insecure_local")


def run(job):
    return tacit.run(job, ["lab", "clinic"], settings=LOCAL)


PUBLIC = {
    "item": lambda z: (z + 1.5)[0].item(),
    "float": lambda z: float(z[0] - 2),
    "int": lambda z: int(z[1]),
    "bool": lambda z: bool(z[0]),
    "condition": lambda z: 1 if (z == 0).all() else 2,
    "any": lambda z: bool((z > 0).any()),
    "tolist": lambda z: z.tolist(),
    "after a product": lambda z: ((z + 1) * (z + 3)).tolist(),
    "a pending one": lambda z: ((z + 1.5) @ (z + 3.25)).item(),
    "a late one": lambda z: z.relu().tolist(),
    "in": lambda z: (0 in z, 1 in z),
    "equal": lambda z: torch.equal(z, torch.zeros(2)),
    "nonzero": lambda z: (z + 1).nonzero().tolist(),
    "indexed": lambda z: z.new_ones(2)[1:].tolist(),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_what_everybody_knows_is_answered(name):
    def job():
        with torch.no_grad():
            return PUBLIC[name](torch.zeros_like(tacit.secret(torch.tensor([1.5, -2.0]), owner="lab")))

    assert run(job) == dict.fromkeys(["lab", "clinic"], PUBLIC[name](torch.zeros(2)))


def _checked(x):
    assert x.max() < 100


REFUSED = {
    "where": lambda x: 1 if x.sum() > 0 else 0,
    "[(]x == value[)].any": lambda x: 3 in x,
    "[(]x == y[)].all": lambda x: torch.equal(x, x),
    "before tacit.secret": _checked,
}


@pytest.mark.parametrize("taught", REFUSED)
def test_a_secret_condition_says_what_to_do(taught):
    def job():
        for owner in ("lab", "clinic"):  # what one party knows is no more public than what none knows
            x = tacit.secret(torch.tensor([3, 4]), owner=owner)
            with pytest.raises(SecretLeakError, match=taught) as error:
                REFUSED[taught](x)
            assert "test_conditions.py:" in str(error.value)
            assert "tacit.reveal" in str(error.value)

    run(job)


def test_a_search_for_padding_teaches_the_attention_mask():
    transformers = pytest.importorskip("transformers")
    ids = torch.tensor([[3, 4, 5]])

    def job():
        config = transformers.BertConfig(
            vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
        )
        net = transformers.BertModel(config).eval()
        x = tacit.secret(ids, owner="clinic")
        with torch.no_grad():
            with pytest.raises(SecretLeakError, match=r"modeling_utils.*attention_mask"):
                net.warn_if_padding_and_no_attention_mask(x, None)
            return net(x, attention_mask=torch.ones_like(ids)).last_hidden_state.shape

    assert run(job)["lab"] == (1, 3, 8)
