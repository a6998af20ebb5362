"""Batch normalization in eval mode, folded away before a network becomes secret.

Which layers are folded follows from the structure of the network alone, so that all parties end with the same one; what
the owner's values become is exact in its own floating point, before any of them is encoded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

_log = logging.getLogger(__name__)

Preceding = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


class ChannelAffine(nn.Module):
    """What is left of a batch normalization in eval mode: ``x * weight + bias`` along dimension 1."""

    def __init__(self, weight: Tensor, bias: Tensor, requires_grad: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad)
        self.bias = nn.Parameter(bias, requires_grad)

    def forward(self, x: Tensor) -> Tensor:
        """The affine map; x is [N, C, ...]."""
        shape = (-1, *(1,) * (x.dim() - 2))
        return x * self.weight.view(shape) + self.bias.view(shape)


def fold_batch_norms(net: nn.Module) -> nn.Module:
    """Fold every batch normalization that is in eval mode and has statistics, in place; returns the network.

    Into the convolution or linear layer whose result goes nowhere else, where there is one (that is found by tracing,
    or in nn.Sequential); else it becomes an affine map of its own. A batch normalization by itself is replaced.
    """
    norms = dict(_foldable(net))
    if not norms:
        return net
    preceding = _preceding_layers(net, norms)
    for name, norm in norms.items():
        layer = preceding.get(name)
        if layer is None:
            replacement: nn.Module = _affine(norm)
        else:
            _fold(norm, layer)
            replacement = nn.Identity()
        replacement.train(norm.training)
        if not name:
            return replacement
        parent, _, child = name.rpartition(".")
        setattr(net.get_submodule(parent), child, replacement)
    return net


def _foldable(net: nn.Module) -> Iterator[tuple[str, _BatchNorm]]:
    for name, module in net.named_modules():
        if isinstance(module, _BatchNorm) and not module.training and module.running_mean is not None:
            yield name, module


def _scale_and_shift(norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """The affine map in double precision."""
    mean, var = cast(Tensor, norm.running_mean).double(), cast(Tensor, norm.running_var).double()
    scale = (var + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach().double()
    shift = -mean * scale
    if norm.bias is not None:
        shift = shift + norm.bias.detach().double()
    return scale, shift


def _affine(norm: _BatchNorm) -> ChannelAffine:
    scale, shift = _scale_and_shift(norm)
    dtype = cast(Tensor, norm.running_mean).dtype
    return ChannelAffine(scale.to(dtype), shift.to(dtype), norm.weight is not None and norm.weight.requires_grad)


def _fold(norm: _BatchNorm, layer: Preceding) -> None:
    scale, shift = _scale_and_shift(norm)
    weight = layer.weight
    with torch.no_grad():
        if layer.bias is None:
            layer.bias = nn.Parameter(shift.new_zeros(len(shift), dtype=weight.dtype), weight.requires_grad)
        layer.bias.copy_(layer.bias.double() * scale + shift)
        weight.copy_(weight.double() * scale.view(-1, *(1,) * (weight.dim() - 1)))


def _preceding_layers(net: nn.Module, norms: Mapping[str, nn.Module]) -> dict[str, Preceding]:
    """For each batch normalization, the layer that it can be folded into."""
    used: dict[str, int] = {}
    found: dict[str, Preceding] = {}
    shared = _shared_parameters(net)
    for name, before in _pairs(net, used):
        layer = net.get_submodule(before)
        once = used.get(name, 1) == 1 and used.get(before, 1) == 1
        if name in norms and once and isinstance(layer, Preceding) and id(layer.weight) not in shared:
            found[name] = layer
    return found


def _pairs(net: nn.Module, used: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Names of layers and of the only layer whose only user they are; counts in ``used`` how often each is called."""
    try:
        graph = fx.Tracer().trace(net)
    except Exception as error:  # a network that cannot be traced runs all the same: only plain chains are known then
        _log.info("batch normalization is folded in nn.Sequential only: the network cannot be traced (%s)", type(error))
        yield from _sequential_pairs(net)
        return
    calls = [node for node in graph.nodes if node.op == "call_module"]
    for node in calls:
        used[str(node.target)] = used.get(str(node.target), 0) + 1
    for node in calls:
        before = node.args[0] if node.args else None
        if isinstance(before, fx.Node) and before.op == "call_module" and len(before.users) == 1:
            yield str(node.target), str(before.target)


def _sequential_pairs(net: nn.Module) -> Iterator[tuple[str, str]]:
    for name, module in net.named_modules():
        if isinstance(module, nn.Sequential):
            names = [f"{name}.{child}" if name else child for child, _ in module.named_children()]
            yield from zip(names[1:], names[:-1], strict=True)


def _shared_parameters(net: nn.Module) -> set[int]:
    """The parameters that several layers have in common: folding into one would change the others."""
    seen: set[int] = set()
    shared: set[int] = set()
    for module in net.modules():
        for parameter in module._parameters.values():
            if parameter is not None:
                (shared if id(parameter) in seen else seen).add(id(parameter))
    return shared
