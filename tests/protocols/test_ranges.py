"""The plaintext protocol notices what wraps around unseen under any other."""

import pytest
import torch

import tacit
from tacit.errors import PartyFailedError
from tacit.protocols import Share
from tacit.ring.bilinear import MATMUL, MUL
from tacit.runtime.session import current
from tacit.settings import Settings


def run(job: object, **settings: object) -> object:
    return tacit.run(job, parties=["a", "b"], settings=Settings(protocol="plaintext", **settings))["a"]  # type: ignore[arg-type]


def held(value: torch.Tensor) -> Share:
    p = current().protocol
    share = p.share(value if p.party.rank == 0 else None, 0, value.shape, 16)
    share.storage.known_by = share.storage.clear = None
    return share


@pytest.mark.parametrize("size", [1, 64, 1000])
@pytest.mark.parametrize(("log_product", "fits"), [(61, True), (63, False), (90, False), (20, True)])
def test_a_product_beyond_the_range_is_noticed(log_product: int, fits: bool, size: int) -> None:
    def job() -> None:
        # a sum of `size` equal terms
        x = torch.full((1, size), (1 << (log_product // 2)) // size or 1)
        y = torch.full((size, 1), 1 << (log_product - log_product // 2))
        p = current().protocol
        p.multiply(MATMUL, held(x), held(y))
        p.multiply(MUL, held(x * size), held(y.t() // 2))

    if fits:
        run(job)
    else:
        with pytest.raises(PartyFailedError, match="too large for fixed point"):
            run(job)


@pytest.mark.parametrize("value", [(1 << 38) - 1, -(1 << 38) + 1])
def test_a_comparison_beyond_its_width_is_noticed(value: int) -> None:
    def job(value: int) -> None:
        current().protocol.compare(held(torch.tensor([0, value])), [0])

    tacit.run(job, ["a", "b"], args=(value,), settings=Settings(protocol="plaintext", compare_bits=40))
    with pytest.raises(PartyFailedError, match="compare_bits"):
        tacit.run(job, ["a", "b"], args=(2 * value,), settings=Settings(protocol="plaintext", compare_bits=40))
