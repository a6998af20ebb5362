"""How many threads a party computes with: one unless told otherwise, and no result depends on it."""

from __future__ import annotations

import pytest
import torch

import tacit
from tacit.errors import MisuseError
from tacit.runtime.cores import computing_with

PLAIN = tacit.Settings(protocol="plaintext")
PROCESSES = pytest.param("processes", marks=pytest.mark.slow)
"""Slow, for each imports PyTorch; but the number of threads belongs to a process, and has to get there."""

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def job() -> tuple[int, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images, weights = torch.randn(2, 8, 30, 30, generator=generator), torch.randn(16, 8, 3, 3, generator=generator)
    x, w = tacit.secret(images, owner="lab"), tacit.secret(weights, owner="clinic")
    y = torch.relu(torch.nn.functional.conv2d(x, w, padding=1)).flatten(2)
    return torch.get_num_threads(), tacit.reveal(y @ y.transpose(1, 2))


@pytest.mark.parametrize("backend", ["threads", PROCESSES])
def test_no_result_depends_on_the_number_of_threads(backend) -> None:
    before = torch.get_num_threads()
    results = {n: tacit.run(job, ["lab", "clinic"], backend=backend, settings=PLAIN, threads=n) for n in (1, 2, 5)}
    assert torch.get_num_threads() == before
    for n, found in results.items():
        for used, revealed in found.values():
            assert used == n
            assert torch.equal(revealed, results[1]["lab"][1])


@pytest.mark.parametrize("backend", ["threads", PROCESSES])
def test_one_thread_unless_told_otherwise(backend) -> None:
    with computing_with(4):
        found = tacit.run(torch.get_num_threads, ["lab", "clinic"], backend=backend, settings=PLAIN)
        assert found == {"lab": 1, "clinic": 1}
        assert torch.get_num_threads() == 4


@pytest.mark.parametrize("threads", [0, -1, 1.0, True, 1025, "2"])
def test_impossible_numbers(threads) -> None:
    with pytest.raises(MisuseError, match="whole number from 1"):
        tacit.run(torch.get_num_threads, ["lab", "clinic"], settings=PLAIN, threads=threads)
