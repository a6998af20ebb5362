"""The pretended device refuses what a real one would refuse."""

from __future__ import annotations

import pytest
import torch

from tacit.testing.placement import DEVICE, Placed, PlacementError, placed, pretended_cuda


def test_tensors_say_where_they_are() -> None:
    x = placed(torch.arange(6).view(2, 3))
    for tensor in (x, x + 1, x[0], x.t(), torch.zeros_like(x), x.new_zeros(4), x.to(torch.float64)):
        assert isinstance(tensor, Placed)
        assert tensor.device == DEVICE
        assert tensor.is_cuda
        assert not tensor.is_cpu


def test_views_share_the_memory() -> None:
    memory = torch.arange(6)
    x = placed(memory)
    x.view(2, 3)[1].add_(10)
    assert memory.tolist() == [0, 1, 2, 13, 14, 15]
    assert x[2:].untyped_storage().nbytes() == memory.untyped_storage().nbytes()


@pytest.mark.parametrize(
    "mistake",
    [
        lambda x: x + torch.ones(3, dtype=torch.int64),
        lambda x: torch.cat([x, torch.zeros(3, dtype=torch.int64)]),
        lambda x: x[torch.tensor([0, 1])],
        lambda x: x.index_select(0, torch.tensor([0])),
        lambda x: torch.ones(3, dtype=torch.int64).add_(x),
        lambda x: x.numpy(),
        lambda x: x.data_ptr(),
        lambda x: x.view(1, 3) @ x.view(3, 1),
        lambda x: torch._int_mm(x.view(1, 3).to(torch.int8), x.view(3, 1).to(torch.int8)),
    ],
)
def test_mistakes_are_errors(mistake) -> None:
    with pytest.raises(PlacementError):
        mistake(placed(torch.arange(3)))


def test_what_two_devices_may_do() -> None:
    x = placed(torch.arange(3))
    assert torch.equal(x + torch.tensor(1), placed(torch.tensor([1, 2, 3])))
    assert torch.empty(3, dtype=torch.int64).copy_(x).tolist() == [0, 1, 2]


def test_moving_and_making_while_it_is_pretended() -> None:
    with pretended_cuda():
        x = torch.arange(3, device="cuda")
        assert isinstance(x, Placed)
        assert type(x.cpu()) is torch.Tensor
        assert type(x.to("cpu")) is torch.Tensor
        assert isinstance(torch.ones(3).to(DEVICE), Placed)
        assert isinstance(torch.ones(3).to(DEVICE, dtype=torch.int64), Placed)
        assert type(torch.ones(3)) is torch.Tensor
        assert type(torch.ones(3).to(torch.int64)) is torch.Tensor
