"""Tensors that are no plain arrays of numbers, and what to make of each before it can be secret."""

from __future__ import annotations

import torch
from torch import Tensor

from tacit.caller import caller_line
from tacit.errors import EncodingError


def refuse_unfit(value: Tensor) -> None:
    """Raises EncodingError for a tensor that has no values of its own, or holds them in a way that would show them.

    Where the elements of a sparse or a nested tensor lie is part of its shape, and the shape of a secret is public.
    """
    found = _found(value)
    if found is not None:
        what, instead = found
        raise EncodingError(f"A secret cannot be made of {what} (at {caller_line()}): {instead}")


def _found(value: Tensor) -> tuple[str, str] | None:
    if value.is_meta:
        return "a meta tensor", "it has no values. Load them first, or make the tensor on the CPU."
    if value.is_nested:
        return "a nested tensor", "give x.to_padded_tensor(0.0), and a public mask of what is padding."
    if value.is_quantized:
        return "a quantized tensor", "give x.dequantize(), or the integers x.int_repr()."
    if value.layout != torch.strided:
        kind = "sparse" if "sparse" in str(value.layout) else str(value.layout)
        return f"a {kind} tensor", "give x.to_dense(), which keeps secret where its elements lie."
    if value.is_complex():
        return "a complex tensor", "give torch.view_as_real(x), or x.real and x.imag apart."
    return None
