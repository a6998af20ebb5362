"""Between a device's memory and the host's: what goes to a socket, comes from one, or was made on the CPU.

Copies to and from a CUDA device go through page-locked ("pinned") memory. PyTorch keeps what is freed of it for the
next copy, and gives none of it out again before the copies that read it are done: copies to the device need not wait.
"""

from __future__ import annotations

import threading
import weakref
from math import prod

import torch
from torch import Tensor

CPU = torch.device("cpu")

PINNED_BYTES = 256 << 20
"""Page-locked memory in use at a time at most; what is beyond it goes through ordinary memory, and waits."""


def to_host(tensor: Tensor) -> Tensor:
    """The same values in contiguous memory of the host, complete: itself if that is where they are."""
    if tensor.is_cpu:
        return tensor.contiguous()
    target = host_buffer(tuple(tensor.shape), tensor.dtype, tensor.device)
    target.copy_(tensor, non_blocking=True)
    if target.is_pinned():
        torch.cuda.current_stream(tensor.device).synchronize()
    return target


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The same values on ``device``: itself if they are there. The tensor must not be written to afterwards."""
    if tensor.device == device:
        return tensor
    return tensor.to(device, non_blocking=tensor.is_cpu and tensor.is_pinned())


def host_buffer(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Uninitialized memory of the host for what comes from, or goes to, ``device``."""
    size = prod(shape) * dtype.itemsize
    if device.type != "cuda" or not torch.cuda.is_available() or not _pinned.take(size):
        return torch.empty(shape, dtype=dtype)
    buffer = torch.empty(shape, dtype=dtype, pin_memory=True)
    weakref.finalize(buffer.untyped_storage(), _pinned.give_back, size)  # which outlives the tensor in its views
    return buffer


class _Count:
    """How much page-locked memory is in use."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may run on the thread that holds it
        self._used = 0

    def take(self, size: int) -> bool:
        with self._lock:
            if self._used + size > PINNED_BYTES:
                return False
            self._used += size
            return True

    def give_back(self, size: int) -> None:
        with self._lock:
            self._used -= size


_pinned = _Count()
