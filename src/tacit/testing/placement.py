"""A pretended CUDA device: whole sessions with ``device="cuda"`` on a CPU, which stop where real ones would.

Tensors "on" it are CPU tensors that say otherwise. Each operation on them is checked: that no operand lies on the CPU,
and that CUDA has the operation for the types. So values are right, and a tensor made in the wrong place is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from threading import current_thread
from typing import Any, NoReturn
from unittest import mock

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves, tree_map_only

from tacit.ring.device import chacha, chacha_torch
from tacit.ring.device.staging import CPU
from tacit.runtime import devices, node

DEVICE = torch.device("cuda", 0)

BETWEEN_DEVICES = {"aten::copy_", "aten::_to_copy"}
"""What may have operands on two devices."""

WITHOUT_INTEGERS = {
    *("aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm", "aten::addbmm", "aten::mv", "aten::addmv", "aten::dot"),
    *("aten::vdot", "aten::convolution", "aten::im2col", "aten::col2im", "aten::avg_pool2d", "aten::cdist"),
    *("aten::max_pool2d_with_indices", "aten::embedding_dense_backward", "aten::upsample_nearest2d"),
}
"""What CUDA has for floating-point types only. ``_int_mm`` has conditions of its own."""

_FACTORIES = ("empty", "zeros", "ones", "full", "arange", "tensor", "rand", "randint", "eye", "as_tensor")


class PlacementError(AssertionError):
    """What a CUDA device would refuse, or what it would do at the cost of a hidden copy."""


class Placed(Tensor):
    """A tensor on the pretended device."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """Where it says it is."""
        return DEVICE

    @property
    def is_cpu(self) -> bool:  # type: ignore[override]
        return False

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, op: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        _check(op, args, kwargs or {})
        with torch._C._DisableTorchDispatch():
            out = op(*args, **(kwargs or {}))
        if op._schema.name == "aten::copy_":
            return args[0]
        return tree_map_only(Tensor, placed, out)

    def numpy(self, *, force: bool = False) -> NoReturn:
        """Not from a device."""
        raise PlacementError("numpy() of a tensor on the device")

    def data_ptr(self) -> NoReturn:
        """No address that the CPU may use."""
        raise PlacementError("the address of a tensor on the device")

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"<{self.dtype}{list(self.shape)} on a pretended device>"

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise PlacementError("a tensor on the device as an array")


def placed(tensor: Tensor) -> Tensor:
    """The same memory as a tensor on the pretended device."""
    return tensor if isinstance(tensor, Placed) else Tensor._make_subclass(Placed, tensor)


@contextmanager
def pretended_cuda(at: Collection[str] | None = None) -> Iterator[None]:
    """While it is entered, ``device="cuda"`` is this device: at the nodes of these names, by default at all of them.

    For sessions of threads; the other nodes then compute on the CPU. One at a time.
    """

    def entered(name: str) -> torch.device:
        here = current_thread().name.removeprefix("tacit ")
        return _found(name) if at is None or here in at else CPU

    with ExitStack() as patches:
        for target, name, stand_in in (
            (devices, "found", _found),
            (node, "enter_device", entered),
            (Tensor, "to", _to(Tensor.to)),
            (Tensor, "cpu", _cpu(Tensor.cpu)),
            (chacha, "fastest", _fastest),
            *((torch, name, _factory(getattr(torch, name))) for name in _FACTORIES),
        ):
            patches.enter_context(mock.patch.object(target, name, stand_in))
        yield


def _fastest() -> chacha.Fill:
    return chacha_torch.fill


def _found(name: str) -> torch.device:
    return DEVICE if name == "cuda" else CPU


def _check(op: OpOverload, args: Any, kwargs: Any) -> None:
    name = op._schema.name
    tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
    apart = [tensor for tensor in tensors if not isinstance(tensor, Placed)]
    if name not in BETWEEN_DEVICES and any(tensor.dim() for tensor in apart):
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in apart)
        raise PlacementError(f"{op} with operands on the device and on the CPU {shapes}")
    if name in WITHOUT_INTEGERS and not tensors[0].is_floating_point():
        raise PlacementError(f"{op}: CUDA does not have it for {tensors[0].dtype}")
    if name == "aten::_int_mm":
        (rows, inner), columns = tensors[0].shape, tensors[1].shape[1]
        if rows <= 16 or inner % 8 or columns % 8 or not inner * columns:
            raise PlacementError(f"_int_mm of {rows} x {inner} x {columns}")


def _factory(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def made(*args: Any, device: Any = None, **kwargs: Any) -> Tensor:
        if device is not None and torch.device(device).type == "cuda":
            return placed(make(*args, **kwargs))
        return make(*args, **kwargs) if device is None else make(*args, device=device, **kwargs)

    return made


def _to(convert: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def to(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        devices = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.device | str)]
        if not devices or not (isinstance(tensor, Placed) or torch.device(devices[0]).type == "cuda"):
            return convert(tensor, *args, **kwargs)
        types = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.dtype)]
        moved = convert(tensor, types[0]) if types else tensor
        if torch.device(devices[0]).type == "cuda":
            return placed(moved.clone())
        return _cpu_copy(moved)

    return to


def _cpu(convert: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda tensor, *args: _cpu_copy(tensor) if isinstance(tensor, Placed) else convert(tensor, *args)


def _cpu_copy(tensor: Tensor) -> Tensor:
    return torch.empty(tuple(tensor.shape), dtype=tensor.dtype).copy_(tensor)
