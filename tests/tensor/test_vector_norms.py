"""Norms, distances, deviations and directions, with their gradients, whatever the size of the entries."""

import pytest
import torch
from torch.nn import functional

import tacit

UNIT = 2.0**-16
ORDERS = (0, 0.5, 1, 1.5, 2, 3, 3.5, 4, 5, 6, 10, -0.5, -1, -2, -2.5, float("inf"), -float("inf"))
VECTORS = {
    "zeros": torch.zeros(5),
    "one number": torch.tensor([-2.0]),
    "a zero among others": torch.tensor([0.0, 3.0, -4.0]),
    "large": torch.tensor([3000.0, -12000.0, 8000.0]),
    "small": torch.tensor([0.01, -0.02, 0.015]),
    "mixed": torch.tensor([1.0, -2.5, 0.25, 7.0]),
    "without dimensions": torch.tensor(-3.0),
}


PARTIES = [
    pytest.param(("lab", "clinic"), id="two"),
    # seconds each, for what no other test computes with three: every order, form and size
    pytest.param(("lab", "clinic", "bank"), id="three", marks=pytest.mark.slow),
]


def units(*values):
    """As secrets hold them."""
    return torch.tensor([(torch.tensor(v).double() / UNIT).round().item() * UNIT for v in values])


def at_all(job, parties=("lab", "clinic"), **settings):
    """What a job gives at the first party; it looks the same at all."""
    chosen = tacit.Settings(randomness="insecure_local", **settings)
    return list(tacit.run(job, list(parties), settings=chosen).values())


def secret(x):
    """Known to no party."""
    return tacit.secret(x, owner="lab") + tacit.secret(torch.zeros_like(x), owner="clinic")


def look(x):
    return tuple(x.shape), x.dtype, x.stride()


def with_gradients(function, *inputs):
    """The result and the gradients of its weighted sum; None where PyTorch has none."""
    inputs = [x.detach().requires_grad_() for x in inputs]
    out = function(*inputs)
    weights = torch.linspace(1, 2, max(1, out.numel()), dtype=torch.float64)[: out.numel()].view(out.shape)
    weights = weights.to(out.dtype)
    return [out.detach(), *torch.autograd.grad((out * weights).sum(), inputs, allow_unused=True)]


def compare(cases, parties, relative=1e-3, absolute=4 * UNIT, **settings):
    """Each of ``cases``, (function, inputs), on secrets against PyTorch in float64."""

    def job():
        found = {}
        for name, (function, *inputs) in cases.items():
            values = with_gradients(function, *[secret(x) for x in inputs])
            found[name] = [v if v is None else (look(v), tacit.reveal(v)) for v in values]
        return found

    for found in at_all(job, parties, **settings):
        for name, (function, *inputs) in cases.items():
            shown = with_gradients(function, *inputs)
            true = with_gradients(function, *[x.double() for x in inputs])
            assert [v is None for v in found[name]] == [v is None for v in shown], name
            for ours, plain, theirs in zip(found[name], shown, true, strict=True):
                if ours is None:
                    continue
                assert ours[0] == look(plain), name
                close = absolute + relative * theirs.abs().max() if theirs.numel() else 0
                assert ((ours[1] - theirs).abs() <= close).all(), (name, ours[1], theirs)


@pytest.mark.parametrize("parties", PARTIES)
@pytest.mark.parametrize("vector", VECTORS)
def test_gradients_of_norms_of_any_order(vector, parties):
    compare(
        {order: (lambda x, order=order: torch.linalg.vector_norm(x, order), VECTORS[vector]) for order in ORDERS},
        parties,
        relative=4e-3,
    )


ROWS = torch.tensor([[[1.0, -2.0], [0.5, 3.0], [0.0, 1.5]], [[400.0, -900.0], [0.02, 0.03], [0.0, 0.0]]])
OTHER = ROWS.flip(0) + torch.tensor([0.5, -0.25])
FORMS = {
    "norm": (lambda x: torch.norm(x), ROWS),
    "norm fro": (lambda x: torch.norm(x, "fro", (0, 2)), ROWS),
    "norm 3, dim": (lambda x: torch.norm(x, 3, 1), ROWS),
    "norm None": (lambda x: torch.norm(x, None, -1, True), ROWS),
    "norm of a type": (lambda x: torch.norm(x, 3, 1, dtype=torch.float64), ROWS),
    "Tensor.norm": (lambda x: x.norm(2.5, -1, keepdim=True), ROWS),
    "Tensor.norm of all": (lambda x: x.norm(), ROWS),
    "linalg.norm": (lambda x: torch.linalg.norm(x), ROWS),
    "linalg.norm of rows": (lambda x: torch.linalg.norm(x, 3, -1), ROWS),
    "linalg.norm of a matrix": (lambda x: torch.linalg.norm(x[0], "fro"), ROWS),
    "matrix_norm": (lambda x: torch.linalg.matrix_norm(x, keepdim=True), ROWS),
    "vector_norm of two dims": (lambda x: torch.linalg.vector_norm(x, 3, (2, 0)), ROWS),
    "vector_norm of two dims, kept": (lambda x: torch.linalg.vector_norm(x, 2, (0, -1), True), ROWS),
    "vector_norm of no dims": (lambda x: torch.linalg.vector_norm(x, 2, ()), ROWS),
    "transposed": (lambda x: torch.linalg.vector_norm(x.transpose(0, 2), 3, 1), ROWS),
    "dist": (lambda x, y: torch.dist(x, y, 3), ROWS, OTHER),
    "pairwise": (lambda x, y: functional.pairwise_distance(x, y, 3), ROWS, OTHER),
    "pairwise 2": (lambda x, y: functional.pairwise_distance(x, y, keepdim=True), ROWS, OTHER),
    "of none": (lambda x: torch.linalg.vector_norm(x, 3), torch.zeros(0)),
    "of empty rows": (lambda x: torch.linalg.vector_norm(x, 3, 1), torch.zeros(3, 0)),
    "of no rows": (lambda x: torch.linalg.vector_norm(x, 2, 1), torch.zeros(0, 3)),
}


@pytest.mark.parametrize("parties", PARTIES)
def test_every_way_to_ask_for_a_norm(parties):
    compare(FORMS, parties)


REFUSED = {
    "out of range": (lambda x: torch.linalg.vector_norm(x, 3, 5), IndexError),
    "out of range, below": (lambda x: x.norm(2, -3), IndexError),
    "twice": (lambda x: torch.linalg.vector_norm(x, 3, (0, -2)), RuntimeError),
    "whole numbers": (lambda x: torch.linalg.vector_norm(x.to(torch.int64), 3), RuntimeError),
    "cosine out of range": (lambda x: functional.cosine_similarity(x, x, dim=2), IndexError),
    "cosine of whole numbers": (
        lambda x: functional.cosine_similarity(x.to(torch.int64), x.to(torch.int64)),
        RuntimeError,
    ),
    "direction out of range": (lambda x: functional.normalize(x, dim=-3), IndexError),
    "no smallest": (lambda x: torch.linalg.vector_norm(x[:, :0], -2, 1), RuntimeError),
}


def test_what_pytorch_refuses_is_refused_in_its_words():
    x = torch.ones(2, 3)

    def job():
        found = {}
        for name, (function, kind) in REFUSED.items():
            with pytest.raises(kind) as error:
                function(secret(x))
            found[name] = str(error.value)
        return found

    for found in at_all(job):
        for name, (function, kind) in REFUSED.items():
            with pytest.raises(kind) as error:
                function(x)
            assert found[name] == str(error.value), name


EQUAL = torch.tensor([[2.1, 2.1, 2.1], [1.0, 2.0, 3.0], [-7.3, -7.3, -7.3]])
LARGE = torch.tensor([[30000.0, -12000.0, 8000.0], [1e5, 1e5 + 1, 1e5 - 3]])
SPREADS = {
    "std": (lambda x: x.std(1), EQUAL),
    "std of all": (lambda x: torch.std(x), EQUAL),
    "std of all, equal": (lambda x: torch.std(x[0]), EQUAL),
    "std, biased": (lambda x: torch.std(x, 0, False), EQUAL),
    "std, unbiased of all": (lambda x: torch.std(x, False), EQUAL),
    "std, correction": (lambda x: x.std((0, 1), correction=0, keepdim=True), EQUAL),
    "std, kept": (lambda x: x.std(dim=-1, unbiased=True, keepdim=True), EQUAL),
    "std_mean": (lambda x: torch.stack(torch.std_mean(x, 1)), EQUAL),
    "std_mean of all": (lambda x: torch.stack(torch.std_mean(x, False)), EQUAL),
    "std, large": (lambda x: x.std(1), LARGE),
    "var": (lambda x: x.var(1), EQUAL),
    "var_mean": (lambda x: torch.stack(torch.var_mean(x, 1)), EQUAL),
}


@pytest.mark.parametrize("parties", PARTIES)
def test_spreads_and_their_gradients(parties):
    compare(SPREADS, parties)


DIRECTIONS = {
    "units": units(1e-4, -2e-4, 1e-4).view(1, 3),
    "one unit": units(0.0, UNIT, 0.0).view(1, 3),
    "small": units(1e-3, 2e-3, -3e-3).view(1, 3),
    "mixed": torch.tensor([[30000.0, 2.0, -1000.0], [0.001, 0.25, 0.5]]),
    "1e5": torch.tensor([[3e5, 2e5, -1e5]]),
    "2**30": torch.tensor([[2.0**30, -(2.0**29), 2.0**30]]),
    "many": torch.full((1, 300), 2.0**26),
}
COSINES = {
    "normalize": lambda x: functional.normalize(x),
    "normalize 3": lambda x: functional.normalize(x, p=3),
    "normalize, eps": lambda x: functional.normalize(x, eps=0.5),
    "cosine_similarity": lambda x: functional.cosine_similarity(x, x.flip(-1).roll(1, -1)),
    "cosine_similarity, eps": lambda x: functional.cosine_similarity(x, x.flip(-1).roll(1, -1), eps=0.5),
    "cosine_embedding_loss": lambda x: functional.cosine_embedding_loss(
        x, x.flip(-1).roll(1, -1), torch.ones(len(x)), reduction="none"
    ),
}


@pytest.mark.parametrize("parties", PARTIES)
@pytest.mark.parametrize("case", DIRECTIONS)
def test_directions_of_vectors_of_any_length(case, parties):
    x = DIRECTIONS[case]
    cases = {name: (function, x) for name, function in COSINES.items()}
    if case == "one unit":
        del cases["cosine_embedding_loss"]  # PyTorch adds 1e-12 to its square, which is 2e-10
    compare(cases, parties, relative=2e-3)


SHAPES = {
    "normalize of two dims": (lambda x: functional.normalize(x, dim=(0, 2)), OTHER),
    "normalize, dim 0": (lambda x: functional.normalize(x, dim=0), OTHER),
    "normalize, transposed": (lambda x: functional.normalize(x.transpose(0, 2), dim=1), OTHER),
    "normalize inf": (lambda x: functional.normalize(x, p=float("inf")), OTHER),
    "normalize 1": (lambda x: functional.normalize(x, p=1, dim=-1), ROWS[0]),
    "normalize of a number": (lambda x: functional.normalize(x, dim=0), torch.tensor(-3.0)),
    "normalize of nothing": (lambda x: functional.normalize(x), torch.zeros(2, 0)),
    "normalize of no rows": (lambda x: functional.normalize(x), torch.zeros(0, 2)),
    "cosine, dim 0": (lambda x, y: functional.cosine_similarity(x, y, 0), ROWS[0], OTHER[0]),
    "cosine, dim -2": (lambda x, y: functional.cosine_similarity(x, y, -2), ROWS[:1], OTHER),
    "cosine of numbers": (
        lambda x, y: functional.cosine_similarity(x, y, 0),
        torch.tensor(2.0),
        torch.tensor(-3.0),
    ),
    "cosine of nothing": (lambda x, y: functional.cosine_similarity(x, y), torch.zeros(2, 0), torch.zeros(2, 0)),
    "cosine of two types": (lambda x, y: functional.cosine_similarity(x, y), ROWS[:, 0], OTHER[:, 1].double()),
}


def test_directions_of_every_shape():
    compare(SHAPES, ("lab", "clinic"))


def test_the_gradient_of_a_direction_that_is_none_is_a_number():
    """PyTorch divides by eps, 1e-12, which is no number here: half a unit stands for it, as everywhere."""
    x = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])

    def job():
        return [tacit.reveal(v) for v in with_gradients(functional.normalize, secret(x))]

    for value, grad in at_all(job):
        assert torch.equal(value[0], torch.zeros(3))
        assert grad[0].allclose(torch.tensor([1.0, 1.2, 1.4]) * 2**16.5, rtol=1e-3)
        assert grad[1].isfinite().all()
        assert grad[1].abs().max() < 1


def test_a_norm_takes_few_rounds():
    """Nine rounds bring vectors of any length to where their squares fit; the rest is a root a row and a product."""

    def job():
        x = secret(torch.ones(4, 8))
        with tacit.profile() as length:
            torch.linalg.vector_norm(x, dim=1)
        with tacit.profile() as direction:
            tacit.reveal(functional.normalize(x))
        return length.rounds, direction.rounds

    for length, direction in at_all(job):
        assert length <= 19
        assert direction <= 23


@pytest.mark.parametrize("order", [0.5, 2, 3, -1])
def test_the_gradient_of_a_norm_has_a_gradient(order):
    def penalty(x):
        (slope,) = torch.autograd.grad(torch.linalg.vector_norm(x, order), [x], create_graph=True)
        return (slope * torch.tensor([1.0, -2.0, 3.0], dtype=x.dtype)).sum() ** 2

    compare({order: (penalty, torch.tensor([1.5, -2.0, 1.0]))}, ("lab", "clinic"), relative=5e-3)


def test_the_gradient_of_a_direction_has_a_gradient():
    def penalty(x):
        (slope,) = torch.autograd.grad(functional.normalize(x)[:, 0].sum(), [x], create_graph=True)
        return (slope * torch.tensor([1.0, -2.0, 3.0], dtype=x.dtype)).sum() ** 2

    compare({"normalize": (penalty, torch.tensor([[1.5, -2.0, 1.0]]))}, ("lab", "clinic"), relative=5e-3)


def test_debug_sessions_follow_vectors_of_any_length(caplog):
    large = torch.tensor([[30000.0, -1e6, 2.0], [0.01, 0.02, 0.0], [0.0, 0.0, 0.0]])
    functions = {
        **{f"norm {order}": (lambda x, o=order: torch.linalg.vector_norm(x, o, 1)) for order in (0.5, 2, 3, -1)},
        "std": lambda x: x.std(1),
        **{name: COSINES[name] for name in ("normalize", "cosine_similarity")},
    }

    def job():
        return [with_gradients(function, secret(large)) is None for function in functions.values()]

    with caplog.at_level("WARNING", "tacit.tensor.shadow"):
        at_all(job, debug=True)
    assert not [record for record in caplog.records if record.name.startswith("tacit.tensor.shadow")]


def test_check_knows_the_operations():
    class Net(torch.nn.Module):
        def forward(self, x):
            return functional.normalize(x) * x.norm(3, -1, keepdim=True) / (1 + x.std(1, keepdim=True))

    assert not tacit.check(Net(), torch.ones(2, 3)).missing


@pytest.mark.parametrize(
    "settings",
    [{"frac_bits": 12}, {"frac_bits": 20}, {"truncation": "exact"}, {"compare_bits": 48}],
    ids=lambda chosen: "=".join(map(str, *chosen.items())),
)
def test_other_settings(settings):
    cases = {name: (function, DIRECTIONS["mixed"]) for name, function in COSINES.items()}
    cases["std"] = (lambda x: x.std(1), LARGE)
    cases["norm 3"] = (lambda x: x.norm(3, 1), VECTORS["mixed"].view(1, 4))
    compare(
        cases, ("lab", "clinic"), relative=5e-3, absolute=6 * 2.0 ** -min(16, settings.get("frac_bits", 16)), **settings
    )
