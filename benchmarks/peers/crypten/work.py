"""The rows in CrypTen: what is timed, and what PyTorch gives for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import crypten
import crypten.nn as cnn
import crypten.optim
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks import nets
from benchmarks.inputs import INPUTS
from benchmarks.peers.crypten import nets as theirs


@dataclass(frozen=True)
class Work:
    """``run()`` is timed; ``reference(runs)`` is what PyTorch gives after so many; ``result(out)`` what to compare."""

    run: Callable[[], Any]
    reference: Callable[[int], list[Tensor]]
    result: Callable[[Any], list[Tensor]] = lambda out: [out.get_plain_text()]


def work(name: str) -> Work:
    """What a row computes. Raises ValueError for a row that has no counterpart here."""
    if name.startswith("mlp-step"):
        return _training(name)
    if name == "encoder":
        return _encoder()
    if name in _NETS:
        return _inference(name, *_NETS[name])
    if name not in _OPS:
        raise ValueError(f"no counterpart of {name} is written for CrypTen")
    function, plain = _OPS[name]
    inputs = _inputs(name)
    secrets = [crypten.cryptensor(x, src=rank) for rank, x in enumerate(inputs)]
    return Work(lambda: function(*secrets), lambda _: [plain(*(x.double() for x in inputs)).double()])


def _inputs(name: str) -> list[Tensor]:
    return [torch.from_numpy(array) for array in INPUTS[name]()]


def _inference(name: str, net: Callable[[], Any], plain: Callable[[], torch.nn.Module]) -> Work:
    reference = nets.built(plain)
    secret = theirs.encrypted(net(), reference)
    secret.eval()
    (x,) = _inputs(name)
    data = crypten.cryptensor(x, src=1)

    def run() -> Any:
        with crypten.no_grad():
            return secret(data)

    with torch.no_grad():
        expected = reference.double()(x.double())
    return Work(run, lambda _: [expected])


def _training(name: str) -> Work:
    plain = nets.built(nets.mlp)
    net = theirs.encrypted(theirs.mlp(), plain)
    net.train()
    images, labels = _inputs(name)
    x, y = crypten.cryptensor(images, src=0), crypten.cryptensor(labels, src=1)
    squared = name.endswith("mse")
    loss = cnn.MSELoss() if squared else cnn.CrossEntropyLoss()
    optimizer = crypten.optim.SGD(net.parameters(), lr=0.1)

    def run() -> Any:
        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        optimizer.step()
        return value

    def reference(runs: int) -> list[Tensor]:
        plain.double()
        sgd = torch.optim.SGD(plain.parameters(), lr=0.1)
        for _ in range(runs):
            sgd.zero_grad()
            out = plain(images.double())
            (F.mse_loss if squared else F.cross_entropy)(out, labels.double()).backward()
            sgd.step()
        return [parameter.detach() for parameter in plain.parameters()]

    return Work(run, reference, lambda _: [parameter.get_plain_text() for parameter in net.parameters()])


def _encoder() -> Work:
    plain = nets.built(nets.Encoder)
    linears = {name: module for name, module in plain.named_children() if isinstance(module, torch.nn.Linear)}
    weights = {name: crypten.cryptensor(linear.weight.detach().t().contiguous()) for name, linear in linears.items()}
    weights |= {f"{name}b": crypten.cryptensor(linear.bias.detach()) for name, linear in linears.items()}
    (x,) = _inputs("encoder")
    data = crypten.cryptensor(x[0], src=1)
    with torch.no_grad():
        expected = plain.double()(x.double())[0]
    return Work(lambda: theirs.encoder(data, weights), lambda _: [expected])


_NETS: dict[str, tuple[Callable[[], Any], Callable[[], torch.nn.Module]]] = {
    "lenet": (theirs.lenet, nets.lenet),
    "resnet18": (theirs.ResNet18, nets.resnet18),
}

_OPS: dict[str, tuple[Callable[..., Any], Callable[..., Tensor]]] = {
    "mul": (lambda a, b: a * b, torch.mul),
    "matmul-512": (lambda a, b: a.matmul(b), torch.matmul),
    "matmul-1024": (lambda a, b: a.matmul(b), torch.matmul),
    "conv": (lambda x, w: x.conv2d(w, padding=1), lambda x, w: F.conv2d(x, w, padding=1)),
    "compare": (lambda a, b: a.lt(b), torch.lt),
    "relu-1e4": (lambda a: a.relu(), torch.relu),
    "relu": (lambda a: a.relu(), torch.relu),
    "max-pool": (lambda x: x.max_pool2d(3, stride=2, padding=1), lambda x: F.max_pool2d(x, 3, 2, 1)),
    "exp": (lambda a: a.exp(), torch.exp),
    "reciprocal": (lambda a: a.reciprocal(), torch.reciprocal),
    "softmax": (lambda x: x.softmax(1), lambda x: x.softmax(1)),
    "gelu": (theirs.gelu, F.gelu),
}
