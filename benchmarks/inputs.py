"""The numbers that all systems compute on, by row; needs numpy alone, since the peers have environments of their own.

Every number is a multiple of 2**-12, which all systems hold exactly: an error in the result is the system's own.
"""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import numpy

Arrays = tuple[numpy.ndarray, ...]

CLASSES = 10
SEQUENCE, WIDTH, HEADS, FEEDFORWARD, LAYERS = 128, 768, 12, 3072, 12
_STEPS = 1 << 12


def uniform(label: str, low: float, high: float, *shape: int) -> numpy.ndarray:
    """Numbers in ``[low, high)`` that depend on ``label`` and the shape alone; float32."""
    numbers = numpy.random.default_rng(crc32(label.encode())).uniform(low, high, shape)
    return (numpy.round(numbers * _STEPS) / _STEPS).astype(numpy.float32)


def normal(label: str, scale: float, *shape: int) -> numpy.ndarray:
    """Gaussian numbers with this standard deviation; float32."""
    numbers = numpy.random.default_rng(crc32(label.encode())).standard_normal(shape) * scale
    return (numpy.round(numbers * _STEPS) / _STEPS).astype(numpy.float32)


def _square(n: int) -> Callable[[], Arrays]:
    return lambda: (uniform("left", -1, 1, n, n), uniform("right", -1, 1, n, n))


def _labelled() -> Arrays:
    labels = numpy.random.default_rng(7).integers(0, CLASSES, 128)
    return uniform("images", 0, 1, 128, 784), numpy.eye(CLASSES, dtype=numpy.float32)[labels]


INPUTS: dict[str, Callable[[], Arrays]] = {
    "mul": lambda: (uniform("a", -5, 5, 10**6), uniform("b", -5, 5, 10**6)),
    "matmul-512": _square(512),
    "matmul-1024": _square(1024),
    "conv": lambda: (uniform("x", -1, 1, 1, 64, 56, 56), uniform("w", -0.1, 0.1, 64, 64, 3, 3)),
    "compare": lambda: (uniform("a", -5, 5, 10**6), uniform("b", -5, 5, 10**6)),
    "relu-1e4": lambda: (uniform("a", -5, 5, 10**4),),
    "relu": lambda: (uniform("a", -5, 5, 10**6),),
    "max-pool": lambda: (uniform("x", -5, 5, 1, 64, 112, 112),),
    "exp": lambda: (uniform("a", -5, 3, 10**5),),
    "reciprocal": lambda: (uniform("a", 0.1, 50, 10**5),),
    "softmax": lambda: (uniform("x", -4, 4, 128, 1000),),
    "gelu": lambda: (uniform("a", -4, 4, 10**5),),
    "mlp-step": _labelled,
    "mlp-step-mse": _labelled,
    "lenet": lambda: (uniform("images", 0, 1, 32, 1, 28, 28),),
    "encoder": lambda: (normal("x", 1, 1, SEQUENCE, WIDTH),),
    "resnet18": lambda: (normal("image", 1, 1, 3, 224, 224),),
    "bert": lambda: (normal("tokens", 1, 1, SEQUENCE, WIDTH),),
    "gpt2": lambda: (normal("tokens", 1, 1, SEQUENCE, WIDTH),),
}
"""What each row computes on: images as PyTorch orders them (batch, channels, height, width), text embedded."""
