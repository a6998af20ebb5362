"""What one party expands from the seed that it shares with the source of its correlated randomness."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from tacit.errors import InternalError
from tacit.ring.device.staging import CPU
from tacit.ring.prg import Prg

PLANES = 1
"""The width of an output that consists of words of bits, shared by xor."""

OUTPUTS_PER_REQUEST = 1 << 16
"""Streams set apart for the outputs of one request; a request is far shorter on the wire than it takes to name more."""

_INTEGERS = {8: torch.uint8, 16: torch.int16, 32: torch.int32, 64: torch.int64}


@dataclass(frozen=True)
class Output:
    """One tensor that a source deals: its shape, and the bits of an element that count (``PLANES``, 8, 16, 32, 64)."""

    shape: tuple[int, ...]
    width: int = 64

    @property
    def numel(self) -> int:
        """How many elements (words, for bits)."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes the correction takes."""
        return self.numel * (8 if self.width == PLANES else self.width // 8)


class Streams:
    """The masks and output shares of one party, each from a stream of its own: an id is never used for two things.

    device: where they are made.
    """

    def __init__(self, seed: bytes, generator: str, device: torch.device = CPU) -> None:
        root = Prg(seed, generator, device)
        self.device = device
        self._ring_masks = root.derive("ring mask")
        self._bit_masks = root.derive("bit mask")
        self._private_masks = root.derive("private mask")
        self._outputs = root.derive("output share")

    def ring_mask(self, mask: int, numel: int) -> Tensor:
        """This party's share of a mask of ring integers, flat."""
        return self._ring_masks.words(mask, numel)

    def bit_mask(self, mask: int, shape: tuple[int, ...]) -> Tensor:
        """This party's share of a mask of bits, as words."""
        return self._bit_masks.words(mask, prod(shape)).view(shape)

    def private_mask(self, mask: int, numel: int) -> Tensor:
        """A mask of ring integers that this party alone knows (and the source), flat."""
        return self._private_masks.words(mask, numel)

    def output_share(self, request: int, index: int, output: Output) -> Tensor:
        """This party's share of an output of a request, before any correction: ring integers or words of bits.

        Of an output narrower than the ring only the low ``width`` bits mean anything.
        """
        if not 0 <= index < OUTPUTS_PER_REQUEST:
            raise InternalError(f"output {index} of request {request} would come from another request's stream")
        stream = request * OUTPUTS_PER_REQUEST + index
        if output.width in (PLANES, 64):
            return self._outputs.words(stream, output.numel).view(output.shape)
        raw = self._outputs.raw(stream, output.nbytes)
        return widened(raw, output)


def widened(raw: Tensor, output: Output) -> Tensor:
    """The elements of an output from its bytes, as int64."""
    if output.width in (PLANES, 64):
        return raw.view(_INTEGERS[64]).view(output.shape)
    return raw.view(_INTEGERS[output.width]).to(_INTEGERS[64]).view(output.shape)


def narrowed(value: Tensor, output: Output) -> Tensor:
    """The bytes of an output, flat uint8."""
    width = 64 if output.width == PLANES else output.width
    return value.reshape(-1).to(_INTEGERS[width]).view(_INTEGERS[8])


def width_for(bits: int) -> int:
    """The narrowest output width that holds ``bits`` bits."""
    return next(width for width in (8, 16, 32, 64) if bits <= width)
