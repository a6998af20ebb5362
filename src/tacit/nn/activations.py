"""Activations that a library spells out in many operations, put back into the one operation that they are."""

from __future__ import annotations

from torch import nn

_GELU_TANH = "NewGELUActivation", "FastGELUActivation", "AccurateGELUActivation"
_SPELLED_OUT = {("transformers.activations", name): "tanh" for name in _GELU_TANH}


def restore_activations(net: nn.Module) -> nn.Module:
    """Replace GELU spelled out with tanh and powers by ``nn.GELU(approximate="tanh")``, in place; returns the network.

    The same function, in one opening in place of a dozen, and without the error of the steps between. Found by the
    type of the module alone, so that all parties end with the same network.
    """
    for name, module in list(net.named_modules()):
        form = _SPELLED_OUT.get((type(module).__module__, type(module).__qualname__))
        if form is None:
            continue
        replacement = nn.GELU(approximate=form).train(module.training)
        if not name:
            return replacement
        parent, _, child = name.rpartition(".")
        setattr(net.get_submodule(parent), child, replacement)
    return net
