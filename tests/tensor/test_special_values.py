"""Small and special values: where a formula that is right on paper loses its digits, or divides by zero."""

import pytest
import torch
from torch.nn import functional

import tacit
from tacit.errors import EncodingError

SETTINGS = tacit.Settings(randomness="insecure_local")
UNIT = 2.0**-16
ORDERS = (0.5, 1, 1.5, 2, 3, 3.5, 6, -1, -2, -2.1, float("inf"), -float("inf"))
VECTORS = {
    "zeros": torch.zeros(5),
    "one number": torch.tensor([2.0]),
    "a zero among others": torch.tensor([0.0, 3.0, -4.0]),
    "large": torch.tensor([3000.0, -12000.0, 8000.0]),
    "small": torch.tensor([0.01, -0.02, 0.015]),
    "mixed": torch.tensor([1.0, -2.5, 0.25, 7.0]),
}


def at_all(job):
    found = list(tacit.run(job, ["lab", "clinic"], settings=SETTINGS).values())
    return found[0]


@pytest.mark.parametrize("name", VECTORS)
def test_norms_of_any_order(name):
    x = VECTORS[name]

    def job():
        secret = tacit.secret(x, owner="lab") + tacit.secret(torch.zeros_like(x), owner="clinic")
        return [tacit.reveal(torch.linalg.vector_norm(secret, order)) for order in ORDERS]

    for order, ours in zip(ORDERS, at_all(job), strict=True):
        theirs = torch.linalg.vector_norm(x.double(), order)
        few = abs(order) < 2  # sums of several entries' shares raised to a power
        assert abs(ours - theirs) <= 4 * UNIT * len(x) + (3e-3 if few else 3e-4) * theirs, order


def gradients(function, *inputs):
    inputs = [x.requires_grad_() for x in inputs]
    out = function(*inputs)
    return [out.detach(), *torch.autograd.grad(out.sum(), inputs)]


def spread(*shape, seed=1):
    """As PyTorch's own samples: between -9 and 9."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 18 - 9


TARGET = torch.tensor([1, -1, 1, -1, 1])
COSINES = {
    "cosine_embedding_loss": lambda x, y: functional.cosine_embedding_loss(x, y, TARGET, margin=0.93, reduction="none"),
    "cosine_similarity": functional.cosine_similarity,
    "normalize": lambda x, y: functional.normalize(x) * functional.normalize(y, dim=0),
}


@pytest.mark.parametrize("case", COSINES)
@pytest.mark.parametrize("scale", [1.0, 0.05, 30.0])
def test_cosines_and_their_gradients(case, scale):
    x, y = scale * spread(5, 5), scale * spread(5, 5, seed=2)

    def job():
        secrets = [tacit.secret(v, owner=name) for v, name in ((x, "lab"), (y, "clinic"))]
        return [tacit.reveal(v) for v in gradients(COSINES[case], *secrets)]

    for ours, theirs in zip(at_all(job), gradients(COSINES[case], x.double(), y.double()), strict=True):
        assert (ours - theirs).abs().max() <= 4 * UNIT + 1e-3 * theirs.abs().max()


def test_a_cosine_with_nothing_is_zero():
    def job():
        x, y = tacit.secret(torch.zeros(2, 3), owner="lab"), tacit.secret(spread(2, 3), owner="clinic")
        return [tacit.reveal(functional.cosine_similarity(x, y)), tacit.reveal(functional.normalize(x))]

    cosine, direction = at_all(job)
    assert torch.equal(cosine, torch.zeros(2))
    assert torch.equal(direction, torch.zeros(2, 3))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cosine_embedding_loss_reduces_and_takes_secret_targets(reduction):
    x, y = spread(5, 5), spread(5, 5, seed=2)

    def job():
        secrets = [tacit.secret(v, owner="lab") for v in (x, y, TARGET)]
        return tacit.reveal(functional.cosine_embedding_loss(*secrets, reduction=reduction))

    theirs = functional.cosine_embedding_loss(x, y, TARGET, reduction=reduction)
    assert torch.allclose(at_all(job), theirs, atol=1e-3)


SPECIAL = {
    "0 ** y": (lambda x: x**2.5, [0.0, 1.0, 4.0]),
    "sqrt of 0": (torch.sqrt, [0.0, 2.0**-16, 2.0**-10, 1e4]),
    "clamp with bounds crossed": (lambda x: x.clamp(1, -1), [-2.0, 0.0, 2.0]),
    "round to even": (torch.round, [-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5]),
    "sign of 0": (torch.sign, [-1.0, 0.0, 1.0]),
    "softplus": (functional.softplus, [-30.0, 0.0, 19.0, 21.0, 500.0]),
    "logsigmoid": (functional.logsigmoid, [-500.0, -1.0, 0.0, 500.0]),
    "tanh": (torch.tanh, [-1e4, -1e-3, 0.0, 1e-3, 1e4]),
    "relu6": (functional.relu6, [-1.0, 0.0, 6.0, 7.0]),
}


@pytest.mark.parametrize("case", SPECIAL)
def test_special_values(case):
    function, values = SPECIAL[case]
    x = torch.tensor(values)

    def job():
        return tacit.reveal(function(tacit.secret(x, owner="lab") + tacit.secret(torch.zeros_like(x), owner="clinic")))

    theirs = function(x)
    assert (at_all(job) - theirs).abs().le(4 * UNIT + 1e-4 * theirs.abs()).all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8])
@pytest.mark.parametrize("secret", [torch.float32, torch.int64])
def test_small_public_integers_do_not_wrap(dtype, secret):
    x, u = torch.tensor([1, -2, 3]).to(secret), torch.tensor([2, 3, 3]).to(dtype)

    def job():
        ours = tacit.secret(x, owner="lab")
        return [tacit.reveal(v) for v in (ours - u, ours > u, ours == u, torch.where(ours > u, ours, u))]

    theirs = (x - u, x > u, x == u, torch.where(x > u, x, u))
    assert all(torch.equal(a, b) for a, b in zip(at_all(job), theirs, strict=True))


DIVISORS = {
    "a number": 0,
    "a real number": 0.0,
    "a tensor": torch.tensor([1.0, 0.0, 2.0]),
    "bits": torch.tensor([True, False, True]),
    "integers": torch.tensor([1, 0, 3]),
}


@pytest.mark.parametrize("divisor", DIVISORS)
def test_division_by_a_public_zero_is_refused_with_line_and_remedy(divisor):
    y = DIVISORS[divisor]

    def job():
        x = tacit.secret(torch.ones(3), owner="lab")
        with pytest.raises(EncodingError, match=r"div at test_special_values\.py:\d+: .*torch\.where\(y == 0"):
            x / y
        with pytest.raises(EncodingError, match="div at"):
            x.clone().div_(y)
        return True

    assert at_all(job)


def test_a_public_factor_that_is_no_number_is_refused_with_line_and_remedy():
    def job():
        x = tacit.secret(torch.ones(2), owner="lab")
        for factor in (float("nan"), torch.tensor([1.0, float("inf")])):
            with pytest.raises(EncodingError, match=r"at test_special_values\.py:\d+ .*nan_to_num"):
                x * factor
        return True

    assert at_all(job)


EMPTIES = {
    "whole and real": (torch.tensor([1, 2]), torch.zeros(0)),
    "rows and real": (torch.ones(2, 2, dtype=torch.int64), torch.zeros(0)),
    "bits and whole": (torch.tensor([True, False]), torch.zeros(0, dtype=torch.uint8)),
    "single and double": (torch.tensor([1.0, 2.0]), torch.zeros(0, dtype=torch.float64)),
}


@pytest.mark.parametrize("case", EMPTIES)
@pytest.mark.parametrize("empty_is_secret", [True, False])
def test_cat_promotes_by_empty_members_too(case, empty_is_secret):
    x, empty = EMPTIES[case]

    def job():
        other = tacit.secret(empty, owner="clinic") if empty_is_secret else empty
        joined = torch.cat([tacit.secret(x, owner="lab"), other])
        return joined.dtype, joined.stride(), tacit.reveal(joined)

    theirs = torch.cat([x, empty])
    for dtype, stride, ours in tacit.run(job, ["lab", "clinic"], settings=SETTINGS).values():
        assert (dtype, stride) == (theirs.dtype, theirs.stride())
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_without_channels_is_a_mean(causal):
    def attended(query, value):
        query, value = query.requires_grad_(), value.requires_grad_()
        out = functional.scaled_dot_product_attention(query, query, value, is_causal=causal)
        return [out.detach(), *torch.autograd.grad(out[..., 0].sum(), (query, value))]

    query, value = torch.zeros(1, 3, 0), torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]]])

    def job():
        found = attended(tacit.secret(query, owner="lab"), tacit.secret(value, owner="clinic"))
        return [tacit.reveal(v) for v in found]

    theirs = attended(query, value)
    for found in tacit.run(job, ["lab", "clinic"], settings=SETTINGS).values():
        for ours, wanted in zip(found, theirs, strict=True):
            assert ours.shape == wanted.shape
            assert torch.allclose(ours, wanted, atol=1e-3)


OVER_ZERO = {
    "x / 0": lambda x, zero: x / zero,
    "3 / 0": lambda x, zero: 3 / zero,
    "1 / 0": lambda x, zero: 1 / zero,
    "reciprocal": lambda x, zero: zero.reciprocal(),
    "0 ** -1": lambda x, zero: zero**-1,
    "0 ** -2": lambda x, zero: zero**-2,
    "public / 0": lambda x, zero: torch.tensor([5.0, -7.0, 1e5]) / zero,
}


def test_every_quotient_over_a_secret_zero_is_zero():
    def job():
        x = tacit.secret(torch.tensor([1.0, -3.0, 3000.0]), owner="lab")
        zero = tacit.secret(torch.zeros(3), owner="lab") + tacit.secret(torch.zeros(3), owner="clinic")
        return {name: tacit.reveal(function(x, zero)) for name, function in OVER_ZERO.items()}

    for name, found in at_all(job).items():
        assert torch.equal(found, torch.zeros(3)), name


def test_a_probability_of_zero_still_has_a_steep_loss():
    def job():
        p = tacit.secret(torch.tensor([0.0, 1.0]), owner="lab").requires_grad_()
        loss = functional.binary_cross_entropy(p, torch.tensor([1.0, 0.0]), reduction="sum")
        return [tacit.reveal(v) for v in torch.autograd.grad(loss, [p])]

    assert torch.allclose(at_all(job)[0], torch.tensor([-1.0, 1.0]) * 2**17, rtol=1e-3)
