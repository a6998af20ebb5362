"""ReLU is put off without gradients, so that max-pooling comes first; nobody can tell but by the cost."""

import torch
import torch.nn.functional as F

import tacit
from tacit.protocols.additive import costs
from tacit.runtime.session import current

SETTINGS = tacit.Settings(randomness="insecure_local")
POOL = "max_pool2d_with_indices"
SHAPE = (1, 16, 8, 8)


def run(job):
    return tacit.run(job, ["lab", "clinic"], settings=SETTINGS)["lab"]


def secret(*shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    return tacit.secret(x, owner="lab") + tacit.secret(torch.zeros(()), owner="clinic")


def measured(function, shape=SHAPE):
    """Rounds, bits that a party sends, and by op, of a function of a pending product; the result is used."""

    def job():
        with torch.no_grad():
            x = secret(*shape) * secret(*shape)
            with tacit.profile() as p:
                function(x) + 0
        return p.rounds, 8 * p.bytes_sent, {place.op: 8 * cost.bytes_sent for place, cost in p.costs.items()}

    return run(job)


def test_pooling_comes_first():
    matches, places = 3 * 256, 256
    unsettled, settled = costs.relu(), costs.relu(shift=16)
    rounds, bits, by_op = measured(lambda x: F.max_pool2d(torch.relu(x), 2))
    # The opening of the product's operands is past; it is pending, and the last ReLU truncates it.
    assert rounds == 2 * unsettled.rounds + settled.rounds
    assert bits == matches * unsettled.bits + places * settled.bits
    assert by_op["relu"] == places * settled.bits


def test_overlapping_windows_have_rows_in_common():
    rows, places = 64 * 16 // 2, 256
    matches = 2 * rows + 2 * places
    _, bits, _ = measured(lambda x: F.max_pool2d(torch.relu(x), 3, 2, 1))
    assert bits == (matches + places) * costs.relu().bits
    assert matches < 8 * places


def test_a_relu_of_a_relu_costs_one():
    assert measured(lambda x: torch.relu(torch.relu(x)))[:2] == measured(torch.relu)[:2]


def test_with_gradients_nothing_waits():
    def job():
        x = secret(*SHAPE)
        with tacit.profile() as p:
            torch.relu(x)
        return p.rounds

    assert run(job) == costs.relu().rounds


def test_narrow_comparisons_do_not_wait():
    def job():
        with torch.no_grad():
            return torch.relu(secret(4))._deferred is None

    narrow = tacit.Settings(randomness="insecure_local", compare_bits=40)
    assert tacit.run(job, ["lab", "clinic"], settings=narrow)["lab"]


def test_costs_count_where_the_relu_stands():
    def job():
        net = torch.nn.Sequential(torch.nn.ReLU(inplace=True), torch.nn.MaxPool2d(2), torch.nn.Flatten())
        with torch.no_grad(), tacit.profile() as p:
            net(secret(*SHAPE))
        return {place for place in p.costs if place.primitive == "relu"}, current().meter.place.module

    places, after = run(job)
    assert {(place.module, place.op) for place in places} == {("Sequential.0", "relu_"), ("Sequential.1", POOL)}
    assert after == ""
