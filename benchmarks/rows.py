"""The rows of the benchmark: what is computed, on what, and which parts of it are weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks import language, nets
from benchmarks.inputs import INPUTS

LAB, CLINIC = "lab", "clinic"
JOINT, OWNED = "joint", "owned"
WHO = {
    JOINT: "no party knows any operand or weight",
    OWNED: f"the {LAB} knows the weights, the {CLINIC} the data",
}


@dataclass(frozen=True)
class Work:
    """A computation: ``call(net, *inputs)`` is timed. trains: it changes the net, and the result is its parameters.

    weights: which of the inputs are the lab's where an owner knows them; the others are the clinic's.
    """

    inputs: tuple[Tensor, ...]
    call: Callable[..., Any]
    net: nn.Module = field(default_factory=nn.Identity)
    weights: tuple[int, ...] = ()
    trains: bool = False


@dataclass(frozen=True)
class Row:
    """One line of the table. sharing: ``JOINT`` or ``OWNED``. base: the row's name without its sharing."""

    base: str
    title: str
    make: Callable[[], Work]
    sharing: str = JOINT

    @property
    def name(self) -> str:
        """How ``--rows`` calls it."""
        return self.base if self.sharing == JOINT else f"{self.base}-{self.sharing}"


def _tensors(name: str) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in INPUTS[name]())


def _op(base: str, title: str, function: Callable[..., Tensor], weights: tuple[int, ...] = ()) -> list[Row]:
    def make() -> Work:
        return Work(_tensors(base), lambda _, *inputs: function(*inputs), weights=weights)

    return [Row(base, title, make, sharing) for sharing in ((JOINT, OWNED) if weights else (JOINT,))]


def _inference(base: str, title: str, net: Callable[[], nn.Module]) -> list[Row]:
    def make() -> Work:
        return Work(_tensors(base), _forward, nets.built(net))

    return [Row(base, title, make, sharing) for sharing in (JOINT, OWNED)]


def _forward(net: nn.Module, *inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return net(*inputs)  # type: ignore[no-any-return]


def _training(base: str, title: str, loss: Callable[[Tensor, Tensor], Tensor]) -> list[Row]:
    def step(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        value = loss(net(x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.detach()

    return [Row(base, title, lambda: Work(_tensors(base), step, nets.built(nets.mlp).train(), trains=True))]


def _convolution(x: Tensor, w: Tensor) -> Tensor:
    return F.conv2d(x, w, padding=1)


def _max_pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 2, 1)


def rows() -> dict[str, Row]:
    """All rows by name, in the order of the table."""
    found = [
        *_op("mul", "multiply 1e6", torch.mul),
        *_op("matmul-512", "matmul 512^3", torch.matmul, weights=(1,)),
        *_op("matmul-1024", "matmul 1024^3", torch.matmul, weights=(1,)),
        *_op("conv", "conv 64->64, 3x3, 56^2", _convolution, weights=(1,)),
        *_op("compare", "comparison 1e6", torch.lt),
        *_op("relu-1e4", "ReLU 1e4", torch.relu),
        *_op("relu", "ReLU 1e6", torch.relu),
        *_op("max-pool", "max-pool 3x3/2, 64x112^2", _max_pool),
        *_op("exp", "exp 1e5", torch.exp),
        *_op("reciprocal", "reciprocal 1e5", torch.reciprocal),
        *_op("softmax", "softmax 128x1000", lambda x: torch.softmax(x, -1)),
        *_op("gelu", "GELU 1e5", F.gelu),
        *_training("mlp-step", "MLP 784-128-10 step, batch 128", F.cross_entropy),
        *_training("mlp-step-mse", "the same with squared error", F.mse_loss),
        *_inference("lenet", "LeNet, batch 32", nets.lenet),
        *_inference("encoder", "encoder layer 128x768", nets.Encoder),
        *_inference("resnet18", "ResNet-18, 224^2, batch 1", nets.resnet18),
    ]
    if language.INSTALLED:
        found += _inference("bert", "BERT-base, 128 tokens", language.bert)
        found += _inference("gpt2", "GPT-2, 128 tokens", language.gpt2)
    return {row.name: row for row in found}


def chosen(names: str | None, among: list[str]) -> list[str]:
    """The rows that ``--rows`` asks for: names or beginnings of names, separated by commas. Raises ValueError."""
    if not names:
        return among
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if not any(_matches(known, name) for known in among):
            raise ValueError(f"no row is called {name!r}; there are {', '.join(among)}")
    return [known for known in among if any(_matches(known, name) for name in wanted)]


def _matches(known: str, wanted: str) -> bool:
    return known.startswith(wanted[:-1]) if wanted.endswith("*") else known == wanted
