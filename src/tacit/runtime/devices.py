"""What one party computes on: its own choice, like its number of threads. Results are the same on every device."""

from __future__ import annotations

import torch

from tacit.errors import MisuseError
from tacit.ring.device.staging import CPU
from tacit.runtime.defaults import ON_CPU

__all__ = ["ON_CPU", "check_device", "enter_device", "found"]


def check_device(name: str) -> str:
    """``name``: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``. Raises MisuseError, saying what to do, if it is not there."""
    found(name)
    return name


def enter_device(name: str) -> torch.device:
    """Make the device that of the current thread, and return it. Raises as ``check_device`` does."""
    device = found(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def found(name: str) -> torch.device:
    """The device of this name, with its number. Raises MisuseError."""
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise MisuseError(f"device={name!r} is not known. Choose 'cpu', 'cuda', or one of several, such as 'cuda:1'.")
    if device.type == "cpu":
        return CPU
    if torch.version.cuda is None and torch.version.hip is None:
        raise MisuseError(
            f"device={name!r}: this PyTorch ({torch.__version__}) was built without CUDA. Install one that was built "
            "with it (https://pytorch.org/get-started/locally), or leave device='cpu'."
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        raise MisuseError(
            f"device={name!r}: PyTorch finds no CUDA device here. If `nvidia-smi` lists one, the driver may be too old "
            "for this PyTorch, or CUDA_VISIBLE_DEVICES may hide it. device='cpu' works everywhere."
        )
    number = device.index or 0
    if number >= count:
        raise MisuseError(f"device={name!r}: there are {count} CUDA devices here, numbered from 0.")
    return torch.device("cuda", number)
