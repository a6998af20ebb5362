"""What is caught whole: dropout, attention, division; and masks of minus infinities, which saturate there only."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

import tacit
from tacit import Settings
from tacit.errors import EncodingError
from tacit.runtime.session import current

LOCAL = Settings(randomness="insecure_local")
LOWEST = torch.finfo(torch.float32).min


def run(job, *args, settings=LOCAL):
    return tacit.run(job, ["lab", "clinic"], args, settings=settings)


def everybodys(x):
    """A secret that nobody knows."""
    return tacit.secret(x, owner="lab") + tacit.secret(torch.zeros_like(x), owner="clinic")


def test_dropout_has_one_public_mask_at_all_parties_and_another_each_time():
    def job():
        torch.manual_seed(tacit.party().rank)  # what PyTorch itself would draw differs
        x = everybodys(torch.ones(40, 50)).detach().requires_grad_()
        first, second = functional.dropout(x, 0.2), nn.Dropout(0.2)(x)
        (gradient,) = torch.autograd.grad(first.sum(), x)
        y = x.detach() * 1
        inplace = functional.dropout(y, 0.2, inplace=True)
        channels = functional.dropout2d(x.detach().view(5, 8, 10, 5), 0.5)
        assert inplace is y
        return [tacit.reveal(out) for out in (first, second, gradient, inplace, channels)]

    for result in (results := run(job)).values():
        first, second, gradient, inplace, channels = result
        assert torch.equal(first, results["lab"][0])
        assert torch.equal(first, gradient)
        assert not torch.equal(first, second)
        for out in (first, second, inplace):
            assert (out[out != 0] == 1.25).all()
            assert 0.7 < (out != 0).float().mean() < 0.9
        by_channel = channels.view(40, -1)
        assert (by_channel == by_channel[:, :1]).all()


def test_dropout_refuses_what_is_no_probability():
    def job():
        with pytest.raises(ValueError, match="probability"):
            functional.dropout(everybodys(torch.ones(2)), 1.5)

    run(job)


@pytest.mark.parametrize("forbidden", [-math.inf, LOWEST, torch.finfo(torch.bfloat16).min])
def test_minus_infinities_saturate_as_masks(forbidden):
    scores = torch.tensor([[1.0, 2.0, 3.0], [100.0, -200.0, 5000.0]])
    allowed = torch.tensor([True, True, False])
    mask = torch.zeros(3).masked_fill(~allowed, forbidden)

    def job():
        x = everybodys(scores)
        forms = x + mask, mask + x, x.masked_fill(~allowed, forbidden), torch.where(allowed, x, forbidden)
        return [tacit.reveal(form.softmax(-1)) for form in forms]

    for settings in (LOCAL, Settings(randomness="insecure_local", compare_bits=36)):
        for out in run(job, settings=settings)["lab"]:
            assert (
                (out - scores[:, :2].softmax(-1)).abs().max() < 1e-4 if out.shape[-1] == 2 else (out[:, 2] == 0).all()
            )
            assert (out[:, :2] - scores[:, :2].softmax(-1)).abs().max() < 1e-4


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * LOWEST,
        lambda x: x + math.inf,
        lambda x: x - torch.full((2,), -math.inf),
        lambda x: x + torch.tensor([0.0, math.inf]),
        lambda x: x + torch.tensor([0.0, -1e30]),
        lambda x: x + torch.tensor([0.0, math.nan]),
        lambda x: x.masked_fill(torch.tensor([True, False]), math.inf),
        lambda x: x / 1e-300,
        lambda x: x + (-math.inf),
    ],
)
def test_infinities_elsewhere_are_refused(function):
    def job():
        with pytest.raises(EncodingError):
            function(everybodys(torch.ones(2)))

    run(job)


def primitives(before):
    return [place.primitive for place in current().meter.since(before)]


def test_activations_take_their_slope_from_the_forward_pass():
    functions = {"gelu": functional.gelu, "silu": functional.silu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
    functions |= {"softmax": lambda x: x.softmax(-1), "layer_norm": lambda x: functional.layer_norm(x, (4,))}

    def job():
        found = {}
        for name, function in functions.items():
            x = everybodys(torch.randn(3, 4)).detach().requires_grad_()
            out = function(x)
            before = current().meter.snapshot()
            (out * everybodys(torch.ones(3, 4))).sum().backward()
            found[name] = {"compare", "waves", "exponential"} & set(primitives(before))
        return found

    assert run(job)["lab"] == {name: set() for name in functions}


def test_both_gradients_of_a_quotient_take_one_division():
    def job():
        x, y = (everybodys(torch.rand(3) + 0.5).detach().requires_grad_() for _ in range(2))
        quotient = x / y
        before = current().channel.meter.snapshot()
        quotient.sum().backward()
        return sum(cost.calls for place, cost in current().meter.since(before).items() if place.primitive == "waves")

    assert run(job)["lab"] == 1


def test_no_attention_weight_reaches_a_forbidden_key():
    torch.manual_seed(5)
    q, k, v = torch.randn(3, 2, 4, 8).unbind()
    k[:, 3] *= 50  # the largest scores are those that the mask forbids

    def job():
        out = functional.scaled_dot_product_attention(*map(everybodys, (q, k, v)), is_causal=True)
        return tacit.reveal(out)

    wanted = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert (run(job)["clinic"] - wanted).abs().max() < 1e-3


def test_attention_modules_of_pytorch():
    torch.manual_seed(6)
    x = torch.randn(2, 5, 8)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=True).eval()
    with torch.no_grad():
        wanted = layer(x, is_causal=True, src_mask=nn.Transformer.generate_square_subsequent_mask(5))

    def job():
        net = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=True).eval()
        net.load_state_dict(layer.state_dict())
        tacit.secret(net, owner="lab")
        secret = tacit.secret(x, owner="clinic")
        return tacit.reveal(net(secret, is_causal=True, src_mask=nn.Transformer.generate_square_subsequent_mask(5)))

    assert (run(job)["clinic"] - wanted).abs().max() < 2e-3
