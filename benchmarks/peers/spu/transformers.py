"""Transformers in JAX: one layer of an encoder, BERT-base and GPT-2 from embedded tokens; random weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy

from benchmarks.inputs import FEEDFORWARD, HEADS, LAYERS, SEQUENCE, WIDTH
from benchmarks.peers.spu.nets import Weights, zeros

_EPS = 1e-3
_MASKED = -100.0
"""Added to the scores of later tokens: no weight is left, and SPU's exp, a limit of powers, still holds."""


def encoder_weights(seed: int = 0) -> dict[str, numpy.ndarray]:
    """Weights and biases of one layer, and those of both normalizations."""
    make = Weights(seed)
    shapes = dict.fromkeys("qkvo", (WIDTH, WIDTH)) | {"f1": (WIDTH, FEEDFORWARD), "f2": (FEEDFORWARD, WIDTH)}
    weights = {name: make(*shape, gain=0.3) for name, shape in shapes.items()}
    weights |= {f"{name}b": zeros(shape[-1]) for name, shape in shapes.items()}
    return weights | _norm_weights("n1") | _norm_weights("n2")


def encoder(x: Any, p: Any) -> Any:
    """One layer of a transformer's encoder, normalized after each half; x is [tokens, width]."""
    x = _norm(x + _attention(x, p), p, "n1")
    return _norm(x + _feedforward(x, p), p, "n2")


def bert_weights() -> dict[str, Any]:
    """Positions, the normalization after them, and all layers."""
    return _embedding() | {"layers": [encoder_weights(seed) for seed in range(LAYERS)]} | _norm_weights("n")


def bert(x: Any, p: Any) -> Any:
    """BERT-base from embedded tokens [tokens, width] to its last hidden state."""
    x = _norm(x + p["positions"], p, "n")
    for layer in p["layers"]:
        x = encoder(x, layer)
    return x


def gpt2_weights() -> dict[str, Any]:
    """Positions, all layers, and the normalization after them."""
    return bert_weights()


def gpt2(x: Any, p: Any) -> Any:
    """GPT-2 from embedded tokens [tokens, width] to its last hidden state: normalized before each half, causal."""
    ahead = jnp.triu(jnp.full((SEQUENCE, SEQUENCE), _MASKED), 1)
    x = x + p["positions"]
    for layer in p["layers"]:
        x = x + _attention(_norm(x, layer, "n1"), layer, ahead)
        x = x + _feedforward(_norm(x, layer, "n2"), layer)
    return _norm(x, p, "n")


def _attention(x: Any, p: Any, added: Any = 0.0) -> Any:
    q, k, v = (_heads(x @ p[name] + p[f"{name}b"]) for name in "qkv")
    attention = jax.nn.softmax(q @ k.transpose(0, 2, 1) * (WIDTH // HEADS) ** -0.5 + added, -1)
    return (attention @ v).transpose(1, 0, 2).reshape(SEQUENCE, WIDTH) @ p["o"] + p["ob"]


def _feedforward(x: Any, p: Any) -> Any:
    return jax.nn.gelu(x @ p["f1"] + p["f1b"], approximate=True) @ p["f2"] + p["f2b"]


def _heads(x: Any) -> Any:
    return x.reshape(SEQUENCE, HEADS, WIDTH // HEADS).transpose(1, 0, 2)


def _norm(x: Any, p: Any, name: str) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + _EPS)
    return scaled * p[name] + p[f"{name}b"]


def _norm_weights(name: str) -> dict[str, numpy.ndarray]:
    return {name: numpy.ones(WIDTH, numpy.float32), f"{name}b": zeros(WIDTH)}


def _embedding() -> dict[str, numpy.ndarray]:
    return {"positions": numpy.random.default_rng(LAYERS).normal(0, 0.02, (SEQUENCE, WIDTH)).astype(numpy.float32)}
