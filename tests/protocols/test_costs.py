"""The declared rounds and bytes of every primitive of the additive protocol are what is measured."""

from collections.abc import Callable

import pytest
import torch

import tacit
from tacit.protocols import Protocol, Share
from tacit.protocols.additive import costs
from tacit.protocols.additive.costs import Cost
from tacit.ring.bilinear import MATMUL, MUL
from tacit.runtime.session import current
from tacit.settings import Settings

N = 256


def secret(p: Protocol, pending: int = 0) -> Share:
    share = p.share(torch.arange(N) if p.party.rank == 0 else None, 0, (N,), 16)
    share.storage.known_by = share.storage.clear = None
    share.storage.scale += pending
    return share


def bit(p: Protocol) -> Share:
    share = p.share(torch.arange(N) % 3 == 0 if p.party.rank == 0 else None, 0, (N,), 0, boolean=True)
    share.storage.known_by = share.storage.clear = None
    return share


Prepare = Callable[[Protocol], Callable[[], object]]


def on(make: Callable[[Protocol], list[Share]], run: Callable[..., object]) -> Prepare:
    def prepare(p: Protocol) -> Callable[[], object]:
        shares = make(p)
        return lambda: run(p, *shares)

    return prepare


one = lambda p: [secret(p)]  # noqa: E731
two = lambda p: [secret(p), secret(p)]  # noqa: E731
pending = lambda p: [secret(p, 16)]  # noqa: E731

CASES: dict[str, tuple[Settings, Prepare, Cost]] = {
    "mul": (Settings(), on(two, lambda p, x, y: p.multiply(MUL, x, y)), costs.MUL),
    "square": (Settings(), on(one, lambda p, x: p.square(x)), costs.SQUARE),
    "truncate": (Settings(), on(pending, lambda p, x: p.settle(x)), costs.truncate(16)),
    "truncate exactly": (
        Settings(truncation="exact"),
        on(pending, lambda p, x: p.settle(x)),
        costs.truncate(16, exact=True),
    ),
    "compare": (Settings(), on(one, lambda p, x: p.compare(x, [1])), costs.compare()),
    "compare with three": (Settings(), on(one, lambda p, x: p.compare(x, [1, 2, 3])), costs.compare(64, 3)),
    "compare 32 bits": (Settings(compare_bits=32), on(one, lambda p, x: p.compare(x, [1])), costs.compare(32)),
    "equals_zero": (Settings(), on(one, lambda p, x: p.equals_zero(x)), costs.equals_zero()),
    "relu": (Settings(), on(one, lambda p, x: p.relu(x)), costs.relu()),
    "relu, pending": (Settings(), on(pending, lambda p, x: p.relu(x)), costs.relu(64, 16)),
    "relu, 32 bits, pending": (Settings(compare_bits=32), on(pending, lambda p, x: p.relu(x)), costs.relu(49, 16)),
    "relu, 32 bits": (Settings(compare_bits=32), on(one, lambda p, x: p.relu(x)), costs.relu(32)),
    "select": (Settings(), on(lambda p: [bit(p), secret(p)], lambda p, b, x: p.select(b, [x])), costs.SELECT),
    "select_sums": (
        Settings(),
        on(
            lambda p: [p.linear(lambda *parts: torch.stack(parts), *(bit(p) for _ in range(3))), *two(p)],
            lambda p, b, x, y: [total((1, 2, 3)) for total in p.select_sums(b, [x, y])],
        ),
        costs.select_sums(3, 2),
    ),
    "both": (Settings(), on(lambda p: [bit(p), bit(p)], lambda p, a, b: p.both(a, b)), costs.BOTH),
    "to_number": (Settings(), on(lambda p: [bit(p)], lambda p, b: p.to_number(b, 16)), costs.TO_NUMBER),
    **{
        f"bits, {width}": (Settings(), on(one, lambda p, x, w=width: p.bits(x, w)), costs.bits(width))
        for width in (1, 4, 5, 8, 12, 20, 21, 24, 25, 32, 40, 63, 64)
    },
    "reveal": (Settings(), on(one, lambda p, x: p.reveal(x, None)), costs.REVEAL),
    "reveal of bits": (Settings(), on(lambda p: [bit(p)], lambda p, b: p.reveal(b, None)), costs.REVEAL_BIT),
}


def measured(prepare: Prepare, settings: Settings, parties: int) -> Cost:
    def job() -> tuple[int, int, int]:
        session = current()
        operation = prepare(session.protocol)
        meter = session.meter
        before = meter.rounds, meter.bytes_sent, meter.dealer_bytes
        operation()
        return meter.rounds - before[0], meter.bytes_sent - before[1], meter.dealer_bytes - before[2]

    results = tacit.run(job, parties=[f"p{i}" for i in range(parties)], settings=settings)
    rounds = max(r for r, _, _ in results.values())
    sent = {s for _, s, _ in results.values()}
    assert len(sent) == 1, "every party sends as much as every other"
    dealt = [d for _, _, d in results.values()]
    assert not any(dealt[1:]), "only the first party's shares are corrected"
    return Cost(rounds, sent.pop() * 8 // (N * (parties - 1)), dealt[0] * 8 // N)


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_a_primitive_costs_what_it_declares(name: str, parties: int) -> None:
    settings, prepare, declared = CASES[name]
    assert measured(prepare, settings, parties) == declared


def test_the_headline_costs() -> None:
    assert costs.relu(64, 16) == Cost(rounds=4, bits=98, dealer_bits=549)
    assert costs.bits(64) == Cost(rounds=4, bits=163, dealer_bits=402)
    assert costs.bits(4) == Cost(rounds=1, bits=4, dealer_bits=15)
    assert costs.less_than(62) == Cost(rounds=2, bits=33, dealer_bits=96)


def product_bytes(owner: int | None, calls: int) -> list[dict[str, int]]:
    """Bytes that each of two parties sends for ``calls`` products of fresh x[8, 16] with one fixed w[16, 32]."""

    def job() -> list[int]:
        p, meter = current().protocol, current().meter
        w = torch.ones(16, 32, dtype=torch.int64)
        held = owner or 0
        weight = p.share(w if p.party.rank == held else None, held, (16, 32), 16)
        if owner is None:
            weight.storage.known_by = weight.storage.clear = None
        sent = []
        for _ in range(calls):
            x = secret(p).view(lambda part: part[:128].reshape(8, 16))
            before = meter.bytes_sent
            p.multiply(MATMUL, x, weight)
            sent.append(meter.bytes_sent - before)
        p.reveal(x, None)
        return sent

    results = tacit.run(job, parties=["a", "b"])
    return [dict(zip("ab", sent, strict=True)) for sent in zip(results["a"], results["b"], strict=True)]


def test_a_fixed_weight_is_opened_once() -> None:
    first, second = product_bytes(owner=None, calls=2)
    assert first == {"a": 8 * (128 + 512), "b": 8 * (128 + 512)}
    assert second == {"a": 8 * 128, "b": 8 * 128}


def test_a_weight_known_to_its_owner_halves_the_traffic() -> None:
    first, second = product_bytes(owner=1, calls=2)
    assert first == {"a": 8 * 128, "b": 8 * 512}
    assert second == {"a": 8 * 128, "b": 0}


def test_three_products_of_one_value_share_an_opening_and_a_truncation() -> None:
    def job() -> int:
        p, meter = current().protocol, current().meter
        square = lambda share: share.view(lambda part: part.view(16, 16))  # noqa: E731
        weights = [square(secret(p)) for _ in range(3)]
        for _ in range(2):  # the weights are opened in the first pass
            x = square(secret(p))
            before = meter.rounds
            q, k, v = (p.multiply(MATMUL, x, w) for w in weights)
            p.multiply(MATMUL, q, k.view(torch.t))
            p.settle(v)
        return meter.rounds - before

    opening_of_x, truncation_of_all_three, opening_of_q_and_k = 1, 1, 1
    assert tacit.run(job, parties=["a", "b"])["a"] == opening_of_x + truncation_of_all_three + opening_of_q_and_k
