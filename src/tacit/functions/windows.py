"""Where a pooling kernel goes: public geometry, as PyTorch defines it, in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tacit.errors import MisuseError


@dataclass(frozen=True)
class Windows:
    """All places of a kernel over an image of ``size``; each field is (along rows, along columns)."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    places: tuple[int, int]

    @classmethod
    def of(
        cls,
        size: Sequence[int],
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        ceil_mode: bool,
    ) -> Windows:
        """From the arguments of ``max_pool2d`` and ``avg_pool2d``; an empty stride is the kernel."""
        taps, pad, reach = _pair(kernel), _pair(padding), _pair(dilation)
        step = _pair(stride) if stride else taps
        places = tuple(
            _places(n, k, s, p, d, ceil_mode) for n, k, s, p, d in zip(size, taps, step, pad, reach, strict=True)
        )
        return cls(_pair(size), taps, step, pad, reach, _pair(places))

    def positions(self) -> Tensor:
        """The flat position in the image of each entry of each window: int64[places, entries].

        An entry in the padding gives the position of an entry of the same window that is not: it can win only where
        that one does.
        """
        rows, columns = (self.along(axis) for axis in (0, 1))
        flat = rows[:, None, :, None] * self.size[1] + columns[None, :, None, :]
        return flat.reshape(self.places[0] * self.places[1], -1)

    def sums(self, x: Tensor) -> Tensor:
        """The sum over each window, padding as zero: [..., *size] -> [..., *places]."""
        padded = functional.pad(x, self._frame())
        return torch.stack([padded[..., rows, columns] for rows, columns in self._taps()]).sum(0)

    def spread(self, g: Tensor) -> Tensor:
        """The transpose of ``sums``: [..., *places] -> [..., *size]."""
        left, right, top, bottom = self._frame()
        out = g.new_zeros(*g.shape[:-2], self.size[0] + top + bottom, self.size[1] + left + right)
        for rows, columns in self._taps():
            out[..., rows, columns] += g
        return out[..., top : top + self.size[0], left : left + self.size[1]]

    def weight(self, count_include_pad: bool, divisor: int | None) -> Tensor | float:
        """One over the number of entries that an average divides by: for each place, or one number for all."""
        if divisor is not None:
            return 1 / divisor
        counts = [self._counts(axis, count_include_pad) for axis in (0, 1)]
        areas = torch.outer(*counts)
        if bool((areas == areas.view(-1)[0]).all()):
            return 1 / int(areas.view(-1)[0])
        return 1 / areas.double()

    def _starts(self, axis: int) -> Tensor:
        return torch.arange(self.places[axis]) * self.stride[axis] - self.padding[axis]

    def along(self, axis: int) -> Tensor:
        """Positions along one axis: int64[places, entries]; in the padding, that of an entry that is not."""
        reach, length = self.dilation[axis], self.size[axis]
        at = self._starts(axis)[:, None] + torch.arange(self.kernel[axis])[None, :] * reach
        inside = (at >= 0) & (at < length)
        if not bool(inside.any(1).all()):
            raise MisuseError(
                f"A pooling window over {self.size} lies wholly in the padding: it has no largest element."
            )
        first = at.gather(1, inside.to(torch.int64).argmax(1, keepdim=True))
        return torch.where(inside, at, first)

    def _counts(self, axis: int, with_padding: bool) -> Tensor:
        start = self._starts(axis)
        end = (start + self.kernel[axis]).clamp(max=self.size[axis] + self.padding[axis])
        if with_padding:
            return end - start
        return end.clamp(max=self.size[axis]) - start.clamp(min=0)

    def _frame(self) -> tuple[int, int, int, int]:
        """Padding left, right, above and below that every window fits into."""
        after = [
            max(0, (self.places[a] - 1) * self.stride[a] + self.kernel[a] - self.padding[a] - self.size[a])
            for a in (0, 1)
        ]
        return self.padding[1], after[1], self.padding[0], after[0]

    def _taps(self) -> list[tuple[slice, slice]]:
        """For each entry of the kernel, what it meets in the padded image over all places."""
        spans = [
            [
                slice(tap, tap + (self.places[a] - 1) * self.stride[a] + 1, self.stride[a])
                for tap in range(self.kernel[a])
            ]
            for a in (0, 1)
        ]
        return [(rows, columns) for rows in spans[0] for columns in spans[1]]


def adaptive_regions(size: int, count: int) -> Tensor:
    """Which of ``size`` positions each of ``count`` adaptive regions covers: int64[count, size] of 0 and 1."""
    index, position = torch.arange(count)[:, None], torch.arange(size)[None, :]
    start, end = index * size // count, -((-(index + 1) * size) // count)
    return ((position >= start) & (position < end)).to(torch.int64)


def _places(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1  # a window that would begin in the padding behind the image does not count
    return count


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return (values[0], values[0]) if len(values) == 1 else (values[0], values[1])
