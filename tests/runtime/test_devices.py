"""What a party computes on is its own choice: what says so, what refuses, and sessions on a pretended CUDA device."""

from __future__ import annotations

import pytest
import torch

import tacit
from tacit.errors import MisuseError
from tacit.runtime import devices
from tacit.runtime.cluster import Cluster, run_dealer, run_party
from tacit.runtime.session import current
from tacit.settings import Settings
from tacit.testing.placement import Placed, pretended_cuda

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
NAMES = ["lab", "clinic", "bank", "court"]


def job() -> tuple[torch.Tensor, str, bool]:
    generator = torch.Generator().manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5))
    for parameter in net.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) / 4
    tacit.secret(net, owner="lab")
    x = tacit.secret(torch.randn(3, 1, 6, 6, generator=generator), owner="clinic")
    y = torch.softmax(net(x), -1)
    y.square().sum().backward()
    grad = tacit.reveal(net[0].weight.grad)
    return torch.cat([tacit.reveal(y).flatten(), grad.flatten()]), str(x.device), type(y._share.parts[0]) is Placed


def revealed(settings: Settings, parties: int, at: list[str] | None = None) -> dict[str, tuple]:
    if at == []:
        return tacit.run(job, NAMES[:parties], settings=settings)
    with pretended_cuda(at):
        return tacit.run(job, NAMES[:parties], settings=settings, device="cuda")


@pytest.mark.parametrize(
    ("settings", "parties"),
    [
        (Settings(), 2),
        # Slow: every tensor of three and four parties is watched; some are made for the parties after the second only.
        pytest.param(Settings(truncation="exact"), 3, marks=pytest.mark.slow),
        pytest.param(Settings(randomness="insecure_local", compare_bits=40), 4, marks=pytest.mark.slow),
    ],
)
def test_a_session_on_a_device(settings: Settings, parties: int) -> None:
    expected = revealed(settings, parties, [])["lab"][0]
    for value, device, on_device in revealed(settings, parties).values():
        assert on_device
        assert device == "cpu"  # to the program
        assert type(value) is torch.Tensor
        torch.testing.assert_close(value, expected, atol=3e-3, rtol=0)


MIXED = [pytest.param(at, marks=pytest.mark.slow) for at in (["clinic"], ["dealer"], ["clinic", "dealer"])]
"""Slow, all together: who computes where is new in each, and so is what has to move."""


@pytest.mark.parametrize("at", [["lab"], *MIXED])
def test_parties_on_different_devices(at: list[str]) -> None:
    expected = revealed(Settings(), 2, [])["lab"][0]
    for name, (value, _, on_device) in revealed(Settings(), 2, at).items():
        assert on_device == (name in at)
        torch.testing.assert_close(value, expected, atol=3e-3, rtol=0)


def test_the_generator_of_a_device() -> None:
    def draws() -> torch.Tensor:
        x = tacit.secret(torch.arange(5.0), owner="lab")
        return tacit.reveal(torch.relu(x - 2))

    with pretended_cuda(["clinic"]):
        found = tacit.run(draws, NAMES[:2], settings=Settings(generator="chacha20"), device="cuda")
    assert torch.equal(found["lab"], torch.tensor([0.0, 0, 0, 1, 2]))


def test_the_plaintext_protocol_rounds_alike_on_each_device() -> None:
    settings = Settings(protocol="plaintext")
    assert torch.equal(revealed(settings, 2)["lab"][0], revealed(settings, 2, [])["lab"][0])


def test_plain_tensors_may_lie_on_a_device() -> None:
    def mixed() -> torch.Tensor:
        x = tacit.secret(torch.arange(4.0).to(current().channel.device), owner="lab")
        weights = torch.tensor([1.0, 2, 3, 4]).to(current().channel.device)
        index = torch.tensor([3, 0]).to(current().channel.device)
        return tacit.reveal((x * weights + torch.ones(4))[index])

    with pretended_cuda(["clinic"]):
        found = tacit.run(mixed, NAMES[:2], device="cuda")
    assert torch.equal(found["clinic"], torch.tensor([13.0, 1]))


def test_secrets_stay_where_they_are() -> None:
    def moved() -> list[bool]:
        x = tacit.secret(torch.arange(4.0), owner="lab")
        return [x.cpu() is x, x.cuda() is x, x.to("cuda") is x, x.to("cuda:1", torch.float64).dtype == torch.float64]

    assert tacit.run(moved, NAMES[:2], settings=Settings(protocol="plaintext"))["lab"] == [True] * 4


def test_a_network_may_be_moved() -> None:
    def moved() -> torch.Tensor:
        net = tacit.secret(torch.nn.Linear(3, 2), owner="lab").to("cuda").cpu()
        return tacit.reveal(net(tacit.secret(torch.ones(1, 3), owner="clinic")))

    assert tacit.run(moved, NAMES[:2], settings=Settings(protocol="plaintext"))["lab"].shape == (1, 2)


def test_a_network_may_come_from_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    # As between real devices: a parameter that moves is another one.
    monkeypatch.setattr(torch.__future__, "get_overwrite_module_params_on_conversion", lambda: True)

    def made() -> torch.Tensor:
        torch.manual_seed(2)
        net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, bias=False), torch.nn.BatchNorm2d(2), torch.nn.ReLU()).eval()
        images = torch.rand(1, 1, 5, 5)
        expected = net(images).detach()
        net = tacit.secret(net.to(current().channel.device), owner="clinic")
        return tacit.reveal(net(tacit.secret(images, owner="lab"))) - expected

    with pretended_cuda(["clinic"]):
        found = tacit.run(made, NAMES[:2], device="cuda")
    assert found["lab"].abs().max() < 1e-3


@pytest.mark.parametrize("name", ["tpu", "mps", "cuda:x", "", "gpu"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(MisuseError, match=r"device=.*'cpu', 'cuda'"):
        tacit.run(job, NAMES[:2], device=name)


def test_a_missing_device_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    with pytest.raises(MisuseError, match="built without CUDA"):
        tacit.run(job, NAMES[:2], device="cuda")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MisuseError, match="nvidia-smi"):
        tacit.run(job, NAMES[:2], device="cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices.found("cuda") == torch.device("cuda", 0)
    assert devices.found("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(MisuseError, match="2 CUDA devices"):
        devices.found("cuda:2")


def test_one_party_of_a_cluster_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    addresses = {"lab": ("127.0.0.1", 1), "clinic": ("127.0.0.1", 2)}
    cluster = Cluster("session", addresses, ("127.0.0.1", 3), Settings())
    with pytest.raises(MisuseError, match="device='cuda'"):
        run_party(cluster, "lab", job, device="cuda")
    with pytest.raises(MisuseError, match="device='cuda'"):
        run_dealer(cluster, device="cuda")
