"""Making a network secret: its parameters and floating-point buffers, in place, identity kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tacit.caller import caller_line
from tacit.errors import EncodingError, FrameError, MisuseError
from tacit.nn.activations import restore_activations
from tacit.nn.folding import fold_batch_norms
from tacit.protocols._base import Protocol
from tacit.tensor.outline import Outline, announce, heard
from tacit.tensor.secret import Secret
from tacit.tensor.sharing import encoded, rank_of, shared


def share_module(protocol: Protocol, net: nn.Module, owner: str) -> nn.Module:
    """Make the parameters and floating-point buffers of ``net`` secret, with the values that ``owner`` has.

    Every party gives a network of the same structure; only the owner's values count. Parameters stay the same objects,
    so an optimizer made earlier works on. Integer buffers stay public. Batch normalization in eval mode is folded, and
    an activation that is spelled out in steps becomes one operation again.
    One round, nothing but shapes is sent. Raises MisuseError where a network differs from the owner's, naming the
    parameter; EncodingError at the owner for a value that cannot be encoded, InputRefusedError elsewhere.
    """
    rank_of(protocol.party, owner)
    channel = protocol.channel
    channel.transcript.begin("secret", f"network of {owner}")
    with channel.meter.op("secret"), torch.no_grad():
        net = restore_activations(fold_batch_norms(net))
        _refuse_lazy(net)
        plain = dict(_plain_tensors(net))
        rings: dict[str, Tensor] = {}
        if protocol.party.name == owner:
            outlines, rings = announce(protocol, lambda: _prepared(protocol, plain))
        else:
            outlines = _owners(heard(protocol, owner), plain, owner)
        with _unreferenced(net):
            for name, tensor in plain.items():
                outline = outlines[name]._replace(requires_grad=False)
                secret = shared(protocol, rings.pop(name, None), outline, owner, tensor)
                _replace(protocol, net, name, tensor, secret)
    for module in net.modules():
        if not hasattr(module, "_tacit_guard"):
            module._tacit_guard = module.register_load_state_dict_pre_hook(_refuse_plain_values)
    return net


def _refuse_lazy(net: nn.Module) -> None:
    """A parameter without a shape cannot be shared; all parties see that, each in its own network."""
    for name, tensor in (*net.named_parameters(), *net.named_buffers()):
        if nn.parameter.is_lazy(tensor):
            raise MisuseError(
                f"tacit.secret(net) at {caller_line()}: {name} belongs to a lazy layer and has no shape yet. At every "
                "party, run the network once on plain data of the right shape (zeros will do), then make it secret."
            )


@contextmanager
def _unreferenced(net: nn.Module) -> Iterator[None]:
    """Meanwhile no recurrent layer holds weak references to its parameters: with them, they cannot be swapped."""
    recurrent = [module for module in net.modules() if isinstance(module, nn.RNNBase)]
    for module in recurrent:
        module._flat_weight_refs = []
    try:
        yield
    finally:
        for module in recurrent:
            module._init_flat_weights()


def _plain_tensors(net: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """What becomes secret: all parameters and floating-point buffers that are not secret yet, each once.

    A complex parameter is among them, and refused later: it must not stay public unnoticed.
    """
    for name, tensor in (*net.named_parameters(), *net.named_buffers()):
        numbers = tensor.dtype.is_floating_point or (tensor.is_complex() and isinstance(tensor, nn.Parameter))
        if not isinstance(tensor, Secret) and numbers:
            yield name, tensor


def _prepared(
    protocol: Protocol, plain: Mapping[str, Tensor]
) -> tuple[Any, tuple[dict[str, Outline], dict[str, Tensor]]]:
    """At the owner: the outlines, as they are sent and as they are, and the ring integers of every tensor."""
    rings = {}
    for name, tensor in plain.items():
        try:
            rings[name] = encoded(protocol, tensor)
        except EncodingError as error:
            raise EncodingError(f"{name}: {error}") from None
    outlines = {name: Outline.of(tensor) for name, tensor in plain.items()}
    return {name: outline.to_json() for name, outline in outlines.items()}, (outlines, rings)


def _owners(outlines: Any, plain: Mapping[str, Tensor], owner: str) -> dict[str, Outline]:
    """The outlines that the owner sent, after comparing its network with this party's."""
    if not isinstance(outlines, Mapping):
        raise FrameError(f"'{owner}' sent something that describes no network.", owner)
    where = f"tacit.secret(net, owner={owner!r}) at {caller_line()}"
    for name in (*outlines, *plain):
        if name not in plain or name not in outlines:
            who = f"'{owner}'" if name in outlines else "this party"
            raise MisuseError(
                f"{where}: only {who} has {name}. Build the same network at every party, and in the "
                "same mode, train or eval."
            )
    if list(outlines) != list(plain):
        raise MisuseError(f"{where}: the parameters come in another order than at '{owner}'.")
    found = {name: Outline.from_json(outlines[name], owner) for name in plain}
    for name, tensor in plain.items():
        here, there = Outline.of(tensor), found[name]
        if here[:2] != there[:2]:
            raise MisuseError(
                f"{where}: {name} is {here.shape} {here.dtype} here and {there.shape} {there.dtype} at '{owner}'. "
                "Build the same network at every party."
            )
        if here.requires_grad != there.requires_grad:
            raise MisuseError(
                f"{where}: {name}.requires_grad is {here.requires_grad} here and {there.requires_grad} at '{owner}'. "
                "Freeze the same parameters at every party."
            )
    return found


def _replace(protocol: Protocol, net: nn.Module, name: str, tensor: Tensor, secret: Secret) -> None:
    """Put the secret where the plain tensor is: into the parameter itself, or in place of the buffer."""
    if not isinstance(tensor, nn.Parameter):
        parent, _, child = name.rpartition(".")
        net.get_submodule(parent)._buffers[child] = secret
        return
    tensor.grad = None
    protocol.channel.transcript.forget(tensor)
    torch.utils.swap_tensors(tensor, nn.Parameter(secret, tensor.requires_grad))


def _refuse_plain_values(module: nn.Module, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
    """Values loaded into a secret network would be public and only look secret."""
    own = dict((*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)))
    for name, tensor in own.items():
        loaded = state_dict.get(prefix + name)
        if isinstance(tensor, Secret) and isinstance(loaded, Tensor) and not isinstance(loaded, Secret):
            raise MisuseError(
                f"load_state_dict at {caller_line()}: {prefix + name} is secret, and the loaded value is not: it would "
                "be public. Load into the plain network at its owner first, then call tacit.secret(net, owner=...)."
            )
