"""The rows in JAX: function and arguments, all of them secret. Images have their channels last, as JAX likes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy

from benchmarks.inputs import CLASSES, INPUTS
from benchmarks.peers.spu.nets import (
    convolution,
    lenet,
    lenet_weights,
    max_pool,
    resnet18,
    resnet18_weights,
)
from benchmarks.peers.spu.transformers import bert, bert_weights, encoder, encoder_weights, gpt2, gpt2_weights

Work = tuple[Callable[..., Any], list[Any]]

_LEARNING_RATE = 0.1


def work(name: str) -> Work:
    """What a row computes and on what. Raises ValueError for a row that has no counterpart here."""
    if name not in _WORK:
        raise ValueError(f"no counterpart of {name} is written for SPU")
    return _WORK[name]()


def _op(name: str, function: Callable[..., Any]) -> Callable[[], Work]:
    return lambda: (function, list(INPUTS[name]()))


def _on_images(name: str, function: Callable[..., Any], *weights: Callable[[], Any]) -> Callable[[], Work]:
    return lambda: (function, [_channels_last(INPUTS[name]()[0]), *(make() for make in weights)])


def _channels_last(images: numpy.ndarray) -> numpy.ndarray:
    return numpy.ascontiguousarray(images.transpose(0, 2, 3, 1))


def _convolution() -> Work:
    x, w = INPUTS["conv"]()
    weights = numpy.ascontiguousarray(w.transpose(2, 3, 1, 0))
    return (lambda x, w: convolution(x, w, 1, 1)), [_channels_last(x), weights]


def _training(name: str, loss: Callable[[Any, Any], Any]) -> Callable[[], Work]:
    def total(weights: Any, x: Any, y: Any) -> Any:
        hidden = jax.nn.relu(x @ weights["w1"] + weights["b1"])
        return loss(hidden @ weights["w2"] + weights["b2"], y)

    def step(weights: Any, x: Any, y: Any) -> Any:
        gradients = jax.grad(total)(weights, x, y)
        return jax.tree_util.tree_map(lambda w, g: w - _LEARNING_RATE * g, weights, gradients)

    def make() -> Work:
        rng = numpy.random.default_rng(0)
        weights = {
            "w1": rng.uniform(-0.035, 0.035, (784, 128)).astype(numpy.float32),
            "b1": numpy.zeros(128, numpy.float32),
            "w2": rng.uniform(-0.09, 0.09, (128, CLASSES)).astype(numpy.float32),
            "b2": numpy.zeros(CLASSES, numpy.float32),
        }
        return step, [weights, *INPUTS[name]()]

    return make


def _cross_entropy(logits: Any, y: Any) -> Any:
    return -(jax.nn.log_softmax(logits, -1) * y).sum(-1).mean()


def _squared_error(outputs: Any, y: Any) -> Any:
    return ((outputs - y) ** 2).mean()


def _on_tokens(name: str, function: Callable[..., Any], weights: Callable[[], Any]) -> Callable[[], Work]:
    return lambda: (function, [INPUTS[name]()[0][0], weights()])


_WORK: dict[str, Callable[[], Work]] = {
    "mul": _op("mul", lambda a, b: a * b),
    "matmul-512": _op("matmul-512", lambda a, b: a @ b),
    "matmul-1024": _op("matmul-1024", lambda a, b: a @ b),
    "conv": _convolution,
    "compare": _op("compare", lambda a, b: a < b),
    "relu-1e4": _op("relu-1e4", lambda a: jnp.maximum(a, 0.0)),
    "relu": _op("relu", lambda a: jnp.maximum(a, 0.0)),
    "max-pool": _on_images("max-pool", max_pool),
    "exp": _op("exp", jnp.exp),
    "reciprocal": _op("reciprocal", lambda a: 1.0 / a),
    "softmax": _op("softmax", lambda a: jax.nn.softmax(a, -1)),
    "gelu": _op("gelu", lambda a: jax.nn.gelu(a, approximate=True)),
    "mlp-step": _training("mlp-step", _cross_entropy),
    "mlp-step-mse": _training("mlp-step-mse", _squared_error),
    "lenet": _on_images("lenet", lenet, lenet_weights),
    "encoder": _on_tokens("encoder", encoder, encoder_weights),
    "resnet18": _on_images("resnet18", resnet18, resnet18_weights),
    "bert": _on_tokens("bert", bert, bert_weights),
    "gpt2": _on_tokens("gpt2", gpt2, gpt2_weights),
}
