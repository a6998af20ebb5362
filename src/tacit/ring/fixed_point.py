"""Between real numbers and ring integers: ``x`` is held as ``round(x * 2**scale)`` modulo 2^64."""

from __future__ import annotations

import numpy
import torch

from tacit.errors import EncodingError, MisuseError
from tacit.ring import kernels
from tacit.ring.coding import RANGE_BITS

Number = bool | int | float | numpy.generic
Values = torch.Tensor | numpy.ndarray | Number


def encode(values: Values, scale: int) -> torch.Tensor:
    """Encode real numbers as ring integers with ``scale`` fraction bits.

    values: a tensor, numpy array or number of any shape; float, integer or bool. scale: 0 to 62.
    Returns int64 of the same shape. Range: ``|x| < 2**(62 - scale)``. Error: at most half of 2**-scale, ties to even;
    integers are exact. Raises EncodingError, which names the first offending position but never the value.
    """
    _check_scale(scale)
    if isinstance(values, int) and not isinstance(values, bool):
        return _encode_python_int(values, scale)
    tensor = _as_tensor(values)
    if tensor.is_complex():
        raise EncodingError("Complex numbers have no fixed-point encoding: encode .real and .imag apart.")
    if tensor.dtype.is_floating_point:
        return _encode_float(tensor, scale)
    return _encode_integer(tensor, scale)


def encode_public(values: Values, scale: int) -> torch.Tensor:
    """Encode public constants: the same numbers, range and errors as ``encode``."""
    return encode(values, scale)


def decode(ring: torch.Tensor, scale: int, dtype: torch.dtype) -> torch.Tensor:
    """Decode ring integers with ``scale`` fraction bits to ``dtype``.

    ring: int64 of any shape, read as signed. Returns the same shape. Error: float64 and float32 are correctly rounded
    (half and bfloat16 are rounded from float32), integer dtypes are cut towards zero, bool is ``!= 0``.
    """
    _check_scale(scale)
    if ring.dtype != torch.int64:
        raise MisuseError(f"decode takes int64 ring integers, got {ring.dtype}.")
    if dtype == torch.bool:
        return ring != 0
    if not dtype.is_floating_point:
        whole = torch.div(ring, 1 << scale, rounding_mode="trunc") if scale else ring
        return whole.to(dtype)
    return kernels.decode(ring, scale, dtype)


def _check_scale(scale: int) -> None:
    if not 0 <= scale <= RANGE_BITS:
        raise MisuseError(f"scale must be from 0 to {RANGE_BITS} fraction bits, got {scale}.")


def _as_tensor(values: Values) -> torch.Tensor:
    if isinstance(values, torch.Tensor):
        return values.detach().contiguous()
    if isinstance(values, numpy.generic | numpy.ndarray):
        try:
            return torch.from_numpy(numpy.array(values, order="C"))
        except TypeError:
            raise EncodingError(f"No fixed-point encoding for numpy's {values.dtype}: convert to float64.") from None
    if isinstance(values, bool | float):
        return torch.tensor(values, dtype=torch.bool if isinstance(values, bool) else torch.float64)
    raise MisuseError(f"encode takes a tensor, a numpy array or a number, got {type(values).__name__}.")


def _encode_python_int(value: int, scale: int) -> torch.Tensor:
    if abs(value) >= 1 << (RANGE_BITS - scale):
        raise _out_of_range((), (), scale)
    return torch.tensor(value << scale, dtype=torch.int64)


def _encode_integer(tensor: torch.Tensor, scale: int) -> torch.Tensor:
    unsigned = tensor.dtype == torch.uint64
    # A uint64 above 2**63 becomes negative here; no legal one does, so a sign is all the check needs.
    integers = tensor.view(torch.int64) if unsigned else tensor.to(torch.int64)
    if integers.numel():
        low, high = (int(bound) for bound in torch.aminmax(integers))
        limit = 1 << (RANGE_BITS - scale)
        if low <= (-1 if unsigned else -limit) or high >= limit:
            legal = (integers < limit) & (integers > (-1 if unsigned else -limit))
            raise _out_of_range(_first_false(legal), tuple(tensor.shape), scale)
    return integers << scale if scale else integers.clone()


def _encode_float(tensor: torch.Tensor, scale: int) -> torch.Tensor:
    encoded = kernels.encode(tensor, scale)
    if encoded is None:
        scaled = tensor.to(torch.float64) * 2.0**scale
        raise _out_of_range(_first_false(scaled.abs() < 2.0**RANGE_BITS), tuple(tensor.shape), scale)
    return encoded


def _first_false(legal: torch.Tensor) -> tuple[int, ...]:
    flat = int(torch.argmin(legal.reshape(-1).to(torch.uint8)))
    return tuple(int(index) for index in numpy.unravel_index(flat, tuple(legal.shape)))


def _out_of_range(position: tuple[int, ...], shape: tuple[int, ...], scale: int) -> EncodingError:
    where = f"The element at {list(position)} of a tensor of shape {list(shape)}" if shape else "The value"
    return EncodingError(
        f"{where} is NaN, infinite or too large: with {scale} fraction bits |x| must be below 2**{RANGE_BITS - scale}."
        " Scale the data down, clean it, or use fewer fraction bits."
    )
