"""Tensors as bytes, without copying."""

from __future__ import annotations

import torch

from tacit.ring.device.staging import to_host


def bytes_of(tensor: torch.Tensor) -> memoryview:
    """The bytes of ``tensor`` (copied first where it is not contiguous or not on the CPU). The view keeps it alive."""
    # of one element a tensor is contiguous with any stride, which views in other types refuse
    flat = to_host(tensor.detach()).reshape(-1).as_strided((tensor.numel(),), (1,))
    return flat.view(torch.uint8).numpy().data


def writable_bytes_of(tensor: torch.Tensor) -> memoryview:
    """The bytes of a contiguous CPU tensor, to be written to."""
    return tensor.view(-1).view(torch.uint8).numpy().data
