"""Debug sessions: what overflows or goes astray is named, and nothing that works is."""

import inspect
import logging
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import nn
from torch.nn import functional

import tacit
from tacit import Settings
from tacit.errors import HandshakeError, InaccuracyError, MisuseError, PartyFailedError, RangeError
from tacit.runtime import handshake
from tacit.runtime.session import current
from tacit.tensor import registry
from tacit.testing import parity
from tacit.testing.samples import FAMILIES, all_samples
from tacit.testing.transports import close_all, together
from tacit.transport.memory import MemoryNetwork

DEBUG = Settings(debug=True, randomness="insecure_local")
aten = torch.ops.aten

UNFIT = {"add large", "mul large", "abs extremes"}
"""Samples whose weighted sum, of which the parity test takes the gradient alone, does not fit."""


def run(job, parties=2, settings=DEBUG, args=()):
    return tacit.run(job, list(parity.NAMES[:parties]), settings=settings, args=args)["lab"]


def failure(job, kind, parties=2, settings=DEBUG):
    """The message of the error that every party raises."""
    seen = {}

    def watched():
        try:
            job()
        except Exception as error:
            seen[tacit.party().name] = error
            raise

    with pytest.raises(PartyFailedError):
        run(watched, parties, settings)
    assert {type(error) for error in seen.values()} == {kind}
    (text,) = {str(error) for error in seen.values()}
    assert len(seen) == parties
    return text


def line_of(job, text):
    lines, start = inspect.getsourcelines(job)
    return f"test_shadow.py:{start + next(i for i, line in enumerate(lines) if text in line)}"


def secret(*values, owner="lab"):
    return tacit.secret(torch.tensor(values), owner=owner)


# ---------------------------------------------------------------- overflow


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize("randomness", ["dealer", "insecure_local"])
def test_a_product_that_wraps_around_is_named(parties, randomness):
    def job():
        x, y = secret(1.0, 40000.0), secret(2.0, 40000.0, owner="clinic")
        return tacit.reveal(x * y)

    text = failure(job, RangeError, parties, replace(DEBUG, randomness=randomness))
    assert f"mul at {line_of(job, 'x * y')}" in text
    assert "reaches 1.6e+09" in text
    assert "below 2**30 (1.074e+09)" in text
    assert "Scale the inputs" in text


def test_fewer_frac_bits_hold_more():
    def job():
        return tacit.reveal(secret(40000.0) * secret(40000.0, owner="clinic"))

    assert run(job, settings=replace(DEBUG, frac_bits=12)) == 1.6e9


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("pow", lambda x: x.square()),
        ("mul", lambda x: x * 0.3 * 1e9),
        ("add", lambda x: x * 1e8 * 16 + x * 1e8 * 16),
        ("sum", lambda x: (x * (1e8 * 16.0)).expand(20000).sum()),
        ("mm", lambda x: x.view(1, 1) @ x.view(1, 1)),
        ("exp", lambda x: (x / 1000).exp()),
        ("mse_loss", lambda x: functional.mse_loss(x, torch.zeros(1))),
        ("native_layer_norm", lambda x: functional.layer_norm(torch.cat([x, -x]), (2,))),
        ("native_layer_norm", lambda x: functional.layer_norm(torch.cat([x, -x]).repeat(2000) / 16, (4000,))),
        ("var", lambda x: (torch.cat([x, -x]).repeat(2000) / 16).var()),
    ],
)
def test_sums_products_and_what_is_inside_of_a_rule(name, function):
    def job():
        x = secret(40000.0) + secret(0.0, owner="clinic")
        tacit.reveal(function(x))

    text = failure(job, RangeError)
    assert name in text.split(" at ")[0], text


def test_a_comparison_that_is_too_narrow_is_named():
    def job():
        return secret(1.0, 5e6) + secret(0.0, owner="clinic") > 0

    text = failure(job, RangeError, settings=replace(DEBUG, compare_bits=40))
    assert f"gt at {line_of(job, '> 0')}: a value that is compared reaches 5e+06" in text
    assert "compare_bits" in text


class Block(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.factor = factor

    def forward(self, x):
        y = self.inner(x) * self.factor
        return y * y


class Deep(nn.Module):
    def __init__(self, factors):
        super().__init__()
        self.layers = nn.ModuleList(map(Block, factors))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@pytest.mark.parametrize("parties", [2, 3])
def test_the_layer_that_overflows_is_named(parties):
    def job():
        torch.manual_seed(0)
        net = Deep([1.0, 1.0, 300000.0, 1.0])
        tacit.secret(net, owner="lab")
        with torch.no_grad():
            return tacit.reveal(net(tacit.secret(torch.ones(2, 4), owner="clinic")))

    text = failure(job, RangeError, parties)
    assert f"mul at {line_of(Block, 'y * y')} in layers.2 (Block): " in text


def test_a_layer_of_pytorchs_own_is_named():
    def job():
        net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Sequential(nn.Linear(2, 2, bias=False)))
        with torch.no_grad():
            net[0].weight.fill_(30000.0)
            net[2][0].weight.fill_(30000.0)
        tacit.secret(net, owner="lab")
        return net(tacit.secret(torch.ones(1, 2), owner="clinic"))

    assert "addmm" not in (text := failure(job, RangeError))
    assert f"mm at {line_of(job, 'return net')} in 2.0 (Linear)" in text


def test_the_backward_pass_is_named():
    def job():
        x = secret(0.01).requires_grad_()
        y = x * secret(40000.0, owner="clinic") * secret(40000.0, owner="clinic")
        y.sum().backward()

    assert f"mul in backward() at {line_of(job, '.backward(')}: " in failure(job, RangeError)


# ---------------------------------------------------------------- divergence


@pytest.fixture
def broken(monkeypatch):
    """A function that makes the rule of an operation give a little more."""

    def put(op, factor):
        entry = registry.find(op)

        def wrong(protocol, *args, **kwargs):
            out = entry.rule(protocol, *args, **kwargs)
            return out * factor if isinstance(out, tacit.Secret) else (out[0] * factor, *out[1:])

        monkeypatch.setitem(registry._table, op, entry._replace(rule=wrong))

    return put


@pytest.mark.parametrize(
    ("op", "function"),
    [
        (aten.sigmoid.default, torch.sigmoid),
        (aten.tanh.default, torch.tanh),
        (aten.mm.default, lambda x: x.view(3, 1) @ x.view(1, 3)),
        (aten._softmax.default, lambda x: x.softmax(0)),
        (aten.native_layer_norm.default, lambda x: functional.layer_norm(x, (3,))),
        (aten.sum.default, torch.sum),
        (aten.reciprocal.default, lambda x: 1 / x),
        (aten.max.dim, lambda x: x.max(0).values),
    ],
)
def test_a_wrong_rule_is_found(broken, op, function):
    def job():
        x = secret(1.0, -2.0, 3.0) + secret(0.5, 0.25, 0.75, owner="clinic")
        return tacit.reveal(function(x))

    run(job)
    broken(op, 1.01)
    text = failure(job, InaccuracyError)
    assert text.startswith(f"{registry.short_name(op)} at test_shadow.py:")
    assert "instead of" in text
    assert "fault of its rule" in text


def test_a_wrong_rule_in_a_network_is_named_with_its_module(broken):
    broken(aten.gelu.default, 1.02)

    def job():
        net = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.GELU(), nn.Linear(3, 3)))
        torch.manual_seed(1)
        tacit.secret(net, owner="lab")
        return net(tacit.secret(torch.tensor([[1.0, 2.0, 3.0]]), owner="clinic"))

    assert f"gelu at {line_of(job, 'return net')} in 1.0 (GELU) gives" in failure(job, InaccuracyError)


@pytest.mark.parametrize("op", [aten.add_.Tensor, aten._foreach_add_.List])
def test_a_wrong_write_is_found(monkeypatch, op):
    entry = registry.find(op)

    def wrong(protocol, *args, **kwargs):
        out = entry.rule(protocol, *args, **kwargs)
        for written in args[0] if isinstance(args[0], list) else [args[0]]:
            written.mul_(1.01)
        return out

    monkeypatch.setitem(registry._table, op, entry._replace(rule=wrong))

    def job():
        x = secret(1.0, 2.0).clone()
        if op == aten.add_.Tensor:
            x[1:].add_(secret(3.0))
        else:
            torch._foreach_add_([x, x[:1].clone()], [secret(1.0, 1.0), secret(2.0)])

    assert failure(job, InaccuracyError).startswith(f"{registry.short_name(op).rstrip('_')} at test_shadow.py:")


def test_a_wrong_bit_is_found(monkeypatch):
    entry = registry.find(aten.gt.Scalar)
    wrong = entry._replace(rule=lambda protocol, x, y: ~entry.rule(protocol, x, y))
    monkeypatch.setitem(registry._table, aten.gt.Scalar, wrong)
    assert failure(lambda: secret(1.0, 2.0) > 1.5, InaccuracyError).startswith("gt at")


def test_digits_that_get_lost_are_found_where_they_matter():
    def job():
        x = secret(1e-6) * 1.0
        y = x + 0.0
        return tacit.reveal(y * 1e6)

    text = failure(job, InaccuracyError)
    assert f"mul at {line_of(job, 'y * 1e6')}" in text
    assert "instead of 1 " in text
    assert "more frac_bits" in text
    assert run(job, settings=replace(DEBUG, frac_bits=24)) == pytest.approx(1, abs=0.03)


# ---------------------------------------------------------------- no false alarm


def shadow(x):
    return current().protocol.shadows.ideal(x)


@pytest.mark.parametrize("parties", [2, 3])
def test_views_and_writes_in_place_keep_shadows(parties):
    def program(x, new):
        base = x.clone()
        row, column = base[1], base.t()[2]
        row.add_(new)
        column.mul_(2)
        base[0, 1:] = 7.5
        base.view(-1)[3:5].copy_(new[:2])
        base[torch.tensor([0, 2]), torch.tensor([1, 1])] = new[:2]
        base.index_put_((torch.tensor([1]), torch.tensor([0])), new[2:], accumulate=True)
        base.masked_fill_(torch.eye(3, dtype=torch.bool), -1.25)
        other = base.t().contiguous()
        other.relu_()
        base[2] += other[:, 0]
        return base, row, column, other

    start, new = torch.arange(9.0).view(3, 3) - 4, torch.tensor([0.5, -1.0, 2.0])

    def job():
        x, y = tacit.secret(start, owner="lab"), tacit.secret(new, owner="clinic")
        with torch.no_grad():
            outs = program(x, y)
        return [(tacit.reveal(out), shadow(out).clone()) for out in outs]

    for (got, held), wanted in zip(run(job, parties), program(start, new), strict=True):
        assert torch.allclose(got, wanted, atol=1e-3)
        assert torch.equal(held, wanted.double())


def test_the_owners_value_counts():
    value = torch.tensor([1 / 3, 1e-7])

    def job():
        return shadow(tacit.secret(value if tacit.party().name == "lab" else None, owner="lab"))

    results = tacit.run(job, ["lab", "clinic"], settings=DEBUG)
    assert all(torch.equal(held, value.double()) for held in results.values())


def test_decisions_follow_the_secret():
    """In plaintext 1e-9 is positive, wins and is no whole number; as a secret it is zero."""

    def job():
        x = secret(1e-9, -1e-9, 0.0, 1.0 + 1e-9)
        positive = x > 0
        chosen = torch.where(positive, x + 100, x - 100)
        mixed = x.sign() * 50 + x.ceil() * 30 + x.floor() * 20 + (x - 1).relu()
        values, indices = x[:3].max(0)
        picked = indices * 10 + x[:3].argmax()
        y = x.detach().requires_grad_()
        (functional.relu(y) * 100).sum().backward()
        return [tacit.reveal(t) for t in (positive, chosen, mixed, values, picked, y.grad, (x == 0).float() * 9)]

    positive, *_ = run(job)
    assert positive.tolist() == [False, False, False, True]


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Linear(64, 4)
        self.norms = nn.LayerNorm(64)

    def forward(self, x):
        x = functional.max_pool2d(self.norm(self.first(x)).relu(), 2)
        x = functional.dropout(self.norms(x.flatten(1)), 0.25, self.training)
        return self.last(x)


OPTIMIZERS = {
    "plain": {},
    "momentum": {"momentum": 0.9, "weight_decay": 0.01},
    "foreach": {"momentum": 0.9, "foreach": True},
}


def train(parameters, steps):
    torch.manual_seed(3)
    net, x, target = Small(), torch.rand(8, 1, 8, 8), torch.arange(8) % 4
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, **parameters)
    tacit.secret(net, owner="lab")
    x = tacit.secret(x, owner="clinic")
    state = torch.get_rng_state()
    for _ in range(steps):
        optimizer.zero_grad()
        functional.cross_entropy(net(x), target).backward()
        optimizer.step()
    assert torch.equal(state, torch.get_rng_state())
    return tacit.reveal(net.last.weight), shadow(net.last.weight)


@pytest.mark.parametrize(
    "parties", [2, pytest.param(3, marks=pytest.mark.slow)]
)  # as with two, and no party is special
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_raises_no_alarm(optimizer, parties):
    weight, ideal = run(train, parties, args=(OPTIMIZERS[optimizer], 3))
    assert torch.allclose(weight.double(), ideal, atol=2e-3)


def test_dropout_has_one_mask():
    def job():
        x = secret(*range(1, 101)).float()
        torch.manual_seed(5)
        before = torch.get_rng_state()
        y = functional.dropout(x, 0.5)
        return tacit.reveal(y), shadow(y), torch.equal(before, torch.get_rng_state())

    got, held, untouched = run(job)
    assert untouched
    assert 0 < int((got == 0).sum()) < 100
    assert torch.equal(got.double(), held)


def test_functions_over_their_ranges_raise_no_alarm():
    def job():
        wide = tacit.secret(torch.linspace(-300, 300, 601), owner="lab")
        narrow = tacit.secret(torch.linspace(-20, 20, 401), owner="clinic")
        for function in (torch.sigmoid, torch.tanh, functional.gelu, functional.silu, functional.softplus, torch.sin):
            function(wide)
            function(narrow)
        narrow.exp()
        (narrow.square() + 0.01).log()
        (narrow.square() + 0.01).rsqrt()
        1 / (narrow.abs() + 0.01)
        for spread in (0.01, 1.0, 100.0):
            x = wide.view(-1)[:600].view(6, 100) * spread
            x.softmax(-1)
            x.log_softmax(-1)
            functional.layer_norm(x, (100,))
            functional.rms_norm(x.clamp(-1000, 1000), (100,))
        masked = narrow[:400].view(20, 20).masked_fill(torch.ones(20, 20).triu(1).bool(), -torch.inf)
        return tacit.reveal(masked.softmax(-1) @ narrow[:20]).isfinite().all()

    assert run(job)


def few_samples():
    """Two of every family; ``test_no_sample_raises_an_alarm`` takes all."""
    families = [family() for family in FAMILIES]
    found = {s.name: s for family in families for s in (family[0], family[-1])}
    return [sample for sample in found.values() if sample.name not in UNFIT]


def alarms(samples, parties):
    outcomes = parity.run_all(DEBUG, parties, samples)
    return {key: outcome.error for key, outcome in outcomes.items() if outcome.error}


def test_few_samples_raise_an_alarm_in_no_mode():
    assert not alarms(few_samples(), 2)


@cache
def fit_samples():
    return [sample for sample in all_samples() if sample.name not in UNFIT]


@pytest.mark.slow  # the drift of many steps, which no short training shows
def test_a_longer_training_raises_no_alarm():
    """Rounding leads a training astray from PyTorch's, as any small change does: each step is compared by itself."""

    def job():
        torch.manual_seed(1)
        x = torch.randn(64, 10)
        target = (x[:, :3].sum(1) > 0).long()
        net = nn.Sequential(
            nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 24), nn.GELU(), nn.LayerNorm(24), nn.Linear(24, 2)
        )
        optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
        tacit.secret(net, owner="lab")
        losses = []
        for step in range(12):
            rows = slice(step % 4 * 16, step % 4 * 16 + 16)
            optimizer.zero_grad()
            loss = functional.cross_entropy(net(tacit.secret(x[rows], owner="clinic")), target[rows])
            loss.backward()
            optimizer.step()
            losses.append(tacit.reveal(loss.detach()))
        return losses

    losses = run(job)
    assert losses[-1] < 0.75 * losses[0]


@pytest.mark.slow  # half a minute: every rule's results, against the operation on plain values
@pytest.mark.timeout(600)
@pytest.mark.parametrize("parties", [2, 3])
def test_no_sample_raises_an_alarm(parties):
    assert not alarms(fit_samples(), parties)


# ---------------------------------------------------------------- the session


@pytest.mark.parametrize("protocol", ["additive", "plaintext"])
def test_every_party_warns(protocol, caplog):
    with caplog.at_level(logging.WARNING):
        run(lambda: None, settings=replace(DEBUG, protocol=protocol))
    said = [record for record in caplog.records if "debug=True: nothing is secret in this session" in record.message]
    assert len(said) == 2


def test_other_sessions_have_no_shadows_and_do_not_warn(caplog):
    def job():
        x = secret(1.0)
        x * x
        return current().protocol.shadows

    with caplog.at_level(logging.WARNING):
        assert run(job, settings=Settings(protocol="plaintext")) is None
    assert not [record for record in caplog.records if "debug" in record.message]


def test_openings_are_in_no_ledger_and_settle_nothing():
    def job():
        x = secret(1.5) * secret(2.0, owner="clinic")
        pending = x._share.storage.pending
        tacit.reveal(x)
        return pending, len(tacit.ledger())

    assert run(job) == (True, 1)


def test_parties_with_other_settings_refuse_each_other():
    network, errors = MemoryNetwork(("lab", "clinic")), {}

    def job(name, debug):
        try:
            handshake.agree(
                network.transport(name), handshake.facts(("lab", "clinic"), None, "s", Settings(debug=debug))
            )
        except HandshakeError as error:
            errors[name] = str(error)

    together([lambda: job("lab", True), lambda: job("clinic", False)])
    close_all({name: network.transport(name) for name in ("lab", "clinic")})
    assert len(errors) == 2
    assert all("settings.debug is true at lab, false at clinic" in error for error in errors.values())


def test_dealt_material_is_refused():
    with pytest.raises(MisuseError, match="dealt ahead of time"):
        Settings(debug=True, randomness="directory")
    with pytest.raises(MisuseError, match="no plan"):
        tacit.plan(lambda: None, ["lab", "clinic"], settings=DEBUG)


@pytest.mark.slow  # the processes of parties and dealer: the message must come through
def test_a_debug_session_in_processes():
    with pytest.raises(PartyFailedError, match=r"mul at .*1\.6e\+09"):
        tacit.run(_overflowing, ["lab", "clinic"], settings=replace(DEBUG, randomness="dealer"), backend="processes")


def _overflowing():
    return secret(40000.0) * secret(40000.0, owner="clinic")


OUTSIDE = {
    "div": (lambda x: 3 / x, "gives 0 where PyTorch gives inf at [0] (1 of 3 elements)"),
    "reciprocal": (lambda x: 1 / x, "gives 0 where PyTorch gives inf at [0] (1 of 3 elements)"),
    "pow": (lambda x: x**-2, "gives 0 where PyTorch gives inf at [0] (1 of 3 elements)"),
    "log": (lambda x: x.log(), "gives -11.78"),
    "sqrt": (lambda x: x.sqrt(), "gives 0 where PyTorch gives nan at [1] (1 of 3 elements)"),
    "rsqrt": (lambda x: x.rsqrt(), "where PyTorch gives inf at [0] (2 of 3 elements)"),
}


@pytest.mark.parametrize("op", OUTSIDE)
def test_arguments_outside_the_domain_are_named_once(op, caplog):
    function, says = OUTSIDE[op]

    def job():
        x = secret(0.0, -1.0, 2.0) + secret(0.0, 0.0, 0.0, owner="clinic")
        for _ in range(2):
            y = function(x)
        return tacit.reveal(y)

    with caplog.at_level(logging.WARNING, "tacit.tensor.shadow"):
        assert run(job).isfinite().all()
    told = [record.getMessage() for record in caplog.records if record.name.startswith("tacit.tensor.shadow")]
    assert len(told) == 2  # one at each party
    assert all(text.startswith(f"{op} at test_shadow.py:") and "outside its domain" in text for text in told)
    assert all(says in text for text in told)


def test_public_masks_of_infinities_are_not_outside_a_domain(caplog):
    def job():
        x = secret(1.0, 2.0, 3.0) + secret(0.5, 0.5, 0.5, owner="clinic")
        mask = torch.tensor([0.0, -float("inf"), 0.0])
        return tacit.reveal((x + mask).softmax(0)), tacit.reveal(x.masked_fill(mask < 0, -float("inf")).softmax(0))

    with caplog.at_level(logging.WARNING, "tacit.tensor.shadow"):
        run(job)
    assert not [record for record in caplog.records if record.name.startswith("tacit.tensor.shadow")]
