"""The networks in JAX, batch normalization folded already; random weights of the size that training leaves."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy

_LOWEST = -1000.0
"""Stands for minus infinity, which fixed point does not have."""

_CHANNELS = (64, 128, 256, 512)


def convolution(x: Any, w: Any, stride: int, padding: int) -> Any:
    """A convolution of x [N, H, W, C] with w [h, w, C, O]."""
    order = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, w, (stride, stride), ((padding, padding),) * 2, dimension_numbers=order)


def max_pool(x: Any, size: int = 3, stride: int = 2, padding: int = 1) -> Any:
    """The maximum of each window."""
    around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    return jax.lax.reduce_window(x, _LOWEST, jax.lax.max, (1, size, size, 1), (1, stride, stride, 1), around)


class Weights:
    """Gaussian weights with the deviation that keeps activations of the same size."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = numpy.random.default_rng(seed)

    def __call__(self, *shape: int, gain: float = 2.0) -> numpy.ndarray:
        fan_in = numpy.prod(shape[:-1])
        return (self._rng.standard_normal(shape) * (gain / fan_in) ** 0.5).astype(numpy.float32)


def zeros(n: int) -> numpy.ndarray:
    """Biases."""
    return numpy.zeros(n, numpy.float32)


def lenet_weights() -> dict[str, numpy.ndarray]:
    """Weights and biases by layer."""
    make = Weights()
    shapes = {"c1": (5, 5, 1, 6), "c2": (5, 5, 6, 16), "l1": (400, 120), "l2": (120, 84), "l3": (84, 10)}
    weights = {name: make(*shape) for name, shape in shapes.items()}
    return weights | {f"{name}b": zeros(shape[-1]) for name, shape in shapes.items()}


def lenet(x: Any, p: Any) -> Any:
    """LeNet-5 with ReLU and max-pooling."""
    x = max_pool(jax.nn.relu(convolution(x, p["c1"], 1, 2) + p["c1b"]), 2, 2, 0)
    x = max_pool(jax.nn.relu(convolution(x, p["c2"], 1, 0) + p["c2b"]), 2, 2, 0)
    x = jax.nn.relu(x.reshape(x.shape[0], -1) @ p["l1"] + p["l1b"])
    x = jax.nn.relu(x @ p["l2"] + p["l2b"])
    return x @ p["l3"] + p["l3b"]


def resnet18_weights() -> dict[str, numpy.ndarray]:
    """Weights and biases by layer, batch normalization in them."""
    make = Weights()
    weights = {"stem": make(7, 7, 3, 64), "stemb": zeros(64), "fc": make(512, 1000), "fcb": zeros(1000)}
    before = 64
    for name, channels, _ in _blocks():
        weights |= {f"{name}1": make(3, 3, before, channels), f"{name}1b": zeros(channels)}
        weights |= {f"{name}2": make(3, 3, channels, channels, gain=0.5), f"{name}2b": zeros(channels)}
        if before != channels:
            weights |= {f"{name}d": make(1, 1, before, channels, gain=1.0), f"{name}db": zeros(channels)}
        before = channels
    return weights


def resnet18(x: Any, p: Any) -> Any:
    """ResNet-18 for 1000 classes; x is [N, 224, 224, 3]."""
    x = max_pool(jax.nn.relu(convolution(x, p["stem"], 2, 3) + p["stemb"]))
    for name, _, stride in _blocks():
        y = jax.nn.relu(convolution(x, p[f"{name}1"], stride, 1) + p[f"{name}1b"])
        y = convolution(y, p[f"{name}2"], 1, 1) + p[f"{name}2b"]
        shortcut = convolution(x, p[f"{name}d"], stride, 0) + p[f"{name}db"] if f"{name}d" in p else x
        x = jax.nn.relu(y + shortcut)
    return jnp.mean(x, (1, 2)) @ p["fc"] + p["fcb"]


def _blocks() -> list[tuple[str, int, int]]:
    """Name, channels and stride of each block."""
    return [(f"s{i}b{j}", channels, 2 if i and not j else 1) for i, channels in enumerate(_CHANNELS) for j in range(2)]
