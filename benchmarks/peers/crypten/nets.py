"""The networks in CrypTen's own layers, with the weights of the same networks in PyTorch."""

from __future__ import annotations

from typing import Any

import crypten.nn as nn
import torch

from benchmarks.inputs import CLASSES, HEADS, WIDTH

_STAGES = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))
_EPS = 1e-3


def encrypted(net: Any, plain: torch.nn.Module) -> Any:
    """``net`` with the weights of ``plain``, which has the same layers in the same order, secret."""
    theirs = [*plain.parameters(), *(b for b in plain.buffers() if b.dtype.is_floating_point)]
    mine = [*net.parameters(), *net.buffers()]
    for into, value in zip(mine, theirs, strict=True):
        into.data.copy_(value.data)
    net.encrypt(src=0)
    return net


def mlp() -> Any:
    """784-128-10."""
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, CLASSES))


def lenet() -> Any:
    """LeNet-5 with ReLU and max-pooling."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, stride=2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2, stride=2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, CLASSES)),
    )


class _Block(nn.Module):
    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.changes = stride != 1 or channels_in != channels
        if self.changes:
            self.down = nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False)
            self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Any) -> Any:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (self.norm(self.down(x)) if self.changes else x))


class ResNet18(nn.Module):
    """ResNet-18 for 1000 classes; batch normalization with secret statistics, which CrypTen does not fold."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        before = 64
        for number, (channels, stride) in enumerate(_STAGES):
            setattr(self, f"block{number}", _Block(before, channels, stride))
            before = channels
        self.fc = nn.Linear(512, 1000)

    def forward(self, x: Any) -> Any:
        """[N, 3, 224, 224] to [N, 1000]."""
        x = self.pool(self.relu(self.bn1(self.conv1(x))))
        for number in range(len(_STAGES)):
            x = getattr(self, f"block{number}")(x)
        return self.fc(x.mean(3).mean(2))


def encoder(x: Any, p: dict[str, Any]) -> Any:
    """One encoder layer from CrypTen's tensors: it has no layer normalization and no attention of its own."""
    q, k, v = (_heads(x.matmul(p[name]) + p[f"{name}b"]) for name in "qkv")
    attention = (q.matmul(k.transpose(1, 2)) * (WIDTH // HEADS) ** -0.5).softmax(2)
    context = attention.matmul(v).transpose(0, 1).reshape(x.size(0), WIDTH)
    x = _norm(x + context.matmul(p["out"]) + p["outb"])
    hidden = gelu(x.matmul(p["wide"]) + p["wideb"])
    return _norm(x + hidden.matmul(p["narrow"]) + p["narrowb"])


def gelu(x: Any) -> Any:
    """GELU by the sigmoid, ``x sigmoid(1.702 x)``: CrypTen's erf is wrong, and so is a GELU made of it."""
    return x * (x * 1.702).sigmoid()


def _heads(x: Any) -> Any:
    return x.view(x.size(0), HEADS, WIDTH // HEADS).transpose(0, 1)


def _norm(x: Any) -> Any:
    centred = x - x.mean(1, keepdim=True)
    return centred * (centred.square().mean(1, keepdim=True) + _EPS).inv_sqrt()
